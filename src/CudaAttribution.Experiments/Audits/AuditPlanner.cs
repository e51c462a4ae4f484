using CudaAttribution.Answers;
using CudaAttribution.Measures;
using CudaAttribution.Remote;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Served;
using CudaAttribution.Tensors;
using CudaAttribution.Twins;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments.Audits;

/// <summary>Makes the plan of an audit, and puts what the suspects will be compared with into its folder.</summary>
/// <param name="device">Where models run.</param>
/// <param name="folder">The folder of the audit.</param>
/// <param name="options">What is audited.</param>
/// <param name="register">The audits before this one.</param>
/// <param name="progress">What is done, and how much of it.</param>
internal sealed class AuditPlanner(
    ComputeDevice device, RunFolder folder, AuditOptions options, AttemptRegister register, Action<string, int, int>? progress)
{
    private readonly Func<string, bool> _askable = PromptSyntax.TakenAsText(options.Suspects.Where(SuspectOpener.IsService));

    /// <exception cref="UserException">An input is not what it must be.</exception>
    public AuditPlan Plan(AuditInputs inputs, CancellationToken cancel)
    {
        // What speaks against a suspect does so before twins are trained, and the source is closed meanwhile: at full size there is no room for both.
        var suspects = Suspects(inputs);
        var twins = inputs.Twins?.Set();
        using var source = Source();
        var measure = MeasureRegistry.Create(options.Measure, device);
        return new()
        {
            Program = RunManifest.ProgramVersion,
            KernelsSha256 = device.Driver.Kernels.Hash,
            Source = new(source.Name, source.Identity),
            Sampling = options.Sampling,
            Suspects = suspects,
            Size = source.Size,
            // The source itself is one: what it served it does not know.
            Controls = inputs.Log is null ? [] : [new("the source", source.Identity), .. Base()],
            Primary = options.Primary,
            Alpha = options.Alpha,
            Sequential = options.Sequential,
            Unusable = options.Unusable,
            Seed = options.Seed,
            Measure = options.Measure,
            Served = inputs.Log is { } log ? PlanServed(log, source, measure, cancel) : null,
            Swap = twins is null ? null : PlanSwap(twins, measure, cancel),
        };
    }

    private PlannedSuspect[] Suspects(AuditInputs inputs)
    {
        using var source = Source();
        if (inputs.Log is { } log) CheckLog(log, source);
        if (inputs.Twins is { } twins) CheckTwins(twins.Design, source);
        AuditedModel[] named = [.. Named(options.Suspects.Select(path => Identify(path, source.Size)))];
        PlannedSuspect[] planned = [.. named.Select(s => register.Plan(source.Identity, s.Name, s.Identity, options.Primary))];
        AuditPlan.CheckSuspects(planned, source.Identity);
        return planned;
    }

    private void CheckLog(ServedLog log, LocalModel source)
    {
        if (log.Header is { } header && (header.Source != source.Identity || header.Sampling != options.Sampling))
            throw new UserException(
                $"the log was served by {header.Source[..12]}… with {header.Sampling}, the source given is {source.Identity[..12]}… with {options.Sampling}",
                "Give the model that served, sampled as it served.", log.Folder);
    }

    private void CheckTwins(TwinDesign twins, LocalModel source)
    {
        if (twins.Source.Identity != source.Identity)
            throw new UserException(
                $"these are twins of {twins.Source.Identity[..12]}…, the source is {source.Identity[..12]}…", "Give the twins of this source.", options.Twins);
        if (twins.Sampling != options.Sampling)
            throw new UserException(
                $"the twins were sampled with {twins.Sampling}, the suspects would be with {options.Sampling}", "Sample all alike.", options.Twins);
        if (!twins.Prompts.Any(_askable))
            throw new UserException(
                "a suspect does not take any prompt of the twins as text", "Plan twins with prompts without a service's own syntax.", options.Twins);
    }

    private LocalModel Source() => LocalModel.Open(options.Source, device, options.Sampling, NameOf(options.Source.Path));

    private ServedPlan PlanServed(ServedLog log, LocalModel source, IPictureMeasure measure, CancellationToken cancel)
    {
        TrialPool pool;
        using (var store = AnswerStore.Of(folder))
        {
            pool = TrialPool.Draw(
                folder.Folder(AuditPlaces.Trials), log, _askable, source, options.Fresh, options.Pool, options.Seed, store,
                (done, of) => progress?.Invoke("drawing fresh pictures", done, of), cancel);
        }
        // The strips hold all of them.
        AnswerStore.Remove(folder);
        double[] spreads = [.. Enumerable.Range(0, pool.Trials.Count).Select(i => TrialChoice.Spread(pool.Pictures(i), measure))];
        return new()
        {
            Log = ServedLogCommitment.Tree(log.Pictures).Root,
            Entries = log.Pictures.Count,
            SeedsKnown = log.SeedsKnown,
            CompleteLog = options.CompleteLog,
            Fresh = options.Fresh,
            Prompts = options.Prompts,
            Trials = pool.Trials,
            Asked = TrialChoice.Widest([.. pool.Trials.Select(t => t.Account)], spreads, options.Prompts),
        };
    }

    private SwapPlan PlanSwap(TwinSet set, IPictureMeasure measure, CancellationToken cancel)
    {
        int[] left = [.. set.Design.Prompts.Index().Where(p => !_askable(p.Item)).Select(p => p.Index)];
        // All that a verdict rests on lies in the folder.
        set.CopyTo(folder.Folder(AuditPlaces.Twins));
        return new()
        {
            Twins = set.Root,
            SourceReproduced = set.SourceReproduced,
            Count = set.Models.Count - 1,
            Prompts = options.SwapPrompts,
            Answers = options.SwapAnswers,
            NotAskable = left,
            Asked = AuditVerifier.SwapPrompts(
                set, options.SwapPrompts, left, measure, (done, of) => progress?.Invoke("comparing source and twins", done, of), cancel),
        };
    }

    private static string NameOf(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), name = Path.GetFileName(full);
        return name == LocalModel.FolderName ? Path.GetFileName(Path.GetDirectoryName(full)!) : name;
    }

    private IEnumerable<AuditedModel> Base()
    {
        if (options.Base is null) yield break;
        using var model = LocalModel.Open(options.Base, device, options.Sampling);
        yield return new("the base", model.Identity);
    }

    private AuditedModel Identify(string path, int size)
    {
        using var opened = options.Open(path, device, folder, size);
        return new(opened.Model.Name, opened.Model.Identity);
    }

    /// <summary>Suspects of one name get their number behind it.</summary>
    private static IEnumerable<AuditedModel> Named(IEnumerable<AuditedModel> suspects)
    {
        var all = suspects.ToArray();
        return all.Select((s, i) => all.Count(o => o.Name == s.Name) > 1 ? s with { Name = $"{s.Name}-{all.Take(i + 1).Count(o => o.Name == s.Name)}" } : s);
    }
}
