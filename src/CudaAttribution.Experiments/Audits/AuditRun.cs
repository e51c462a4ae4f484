using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Chain;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Remote;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Served;
using CudaAttribution.Tensors;
using CudaAttribution.Twins;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments.Audits;

/// <summary>
/// An audit from end to end: draws what the suspects will be compared with, commits to the plan, asks controls and suspects, and judges. Whatever stops
/// it, the same call goes on behind what is there; nothing is asked twice, and the plan stays what was committed to.
/// </summary>
/// <param name="device">Where models run.</param>
/// <param name="folder">The folder of the audit.</param>
/// <param name="options">What is audited.</param>
/// <param name="register">The audits before this one.</param>
/// <param name="recorder">Notes what the run is given.</param>
/// <param name="progress">What is done, and how much of it.</param>
public sealed class AuditRun(
    ComputeDevice device, RunFolder folder, AuditOptions options, AttemptRegister register, RunRecorder recorder,
    Action<string, int, int>? progress = null)
{
    private const string RunFile = "audit-run.json";

    /// <summary>Runs or continues.</summary>
    /// <exception cref="UserException">An input makes no sense, or the folder is another audit's or was touched.</exception>
    public AuditResult Run(CancellationToken cancel = default)
    {
        options.Check();
        using var claim = Claim.Take(folder, RunFile, options, "audit");
        if (!folder.Has(Commitment.FileName)) Commit(cancel);
        var (plan, commit) = AuditVerifier.Committed(folder.Root);
        register.Enter(plan, commit, folder.Root);
        recorder.Input("commitment", commit);
        recorder.Input("source", plan.Source.Identity);
        var judge = new AuditJudge(folder.Root, plan, commit, MeasureRegistry.Create(plan.Measure, device));
        for (int i = 0; i < plan.Controls.Count; i++)
        {
            using var model = LocalModel.Open(i == 0 ? options.Source : options.Base!, device, plan.Sampling);
            Interview(plan, commit, folder.Folder(AuditPlaces.OfControl(plan, i)), plan.Controls[i], model, NoisePurpose.Control, new(plan, null, null), cancel);
        }
        for (int i = 0; i < plan.Suspects.Count; i++)
        {
            var place = folder.Folder(AuditPlaces.OfSuspect(plan, i));
            var suspect = plan.Suspects[i];
            using var opened = Open(options.Suspects[i], place, plan.Size);
            Interview(
                plan, commit, place, new(suspect.Name, suspect.Identity), opened.Model, NoisePurpose.Testing, new(plan, suspect, judge.Examiner()), cancel);
        }
        var result = judge.Judge();
        folder.WriteJson(AuditResult.FileName, result);
        folder.Write(ReportContext.FileName, AuditReport.Render(folder.Root, plan, result, judge, recorder.Describe()));
        return result;
    }

    private void Interview(
        AuditPlan plan, string commit, RunFolder place, AuditedModel asked, IImageModel model, NoisePurpose purpose, StoppingRule rule,
        CancellationToken cancel)
    {
        if (model.Identity != asked.Identity)
            throw new UserException($"'{asked.Name}' is not the model that the plan names (it changed)", "Restore it as it was.", folder.Root);
        new AuditInterview(place, plan, commit).Ask(model, purpose, rule, (done, of) => progress?.Invoke($"asking {asked.Name}", done, of), cancel);
    }

    private void Commit(CancellationToken cancel)
    {
        using var source = LocalModel.Open(options.Source, device, options.Sampling, NameOf(options.Source.Path));
        var measure = MeasureRegistry.Create(options.Measure, device);
        var plan = new AuditPlan
        {
            Program = RunManifest.ProgramVersion,
            KernelsSha256 = device.Driver.Kernels.Hash,
            Source = new(source.Name, source.Identity),
            Sampling = options.Sampling,
            Suspects = [.. Named(options.Suspects.Select(path => Identify(path, source.Size))).Select(s => register.Plan(source.Identity, s.Name, s.Identity, options.Primary))],
            Size = source.Size,
            // The source itself is one: what it served it does not know.
            Controls = options.Served is null ? [] : [new("the source", source.Identity), .. Base()],
            Primary = options.Primary,
            Alpha = options.Alpha,
            Sequential = options.Sequential,
            Unusable = options.Unusable,
            Seed = options.Seed,
            Measure = options.Measure,
            Served = options.Served is { } log ? PlanServed(log, source, measure, cancel) : null,
            Swap = options.Twins is { } twins ? PlanSwap(twins, source, measure, cancel) : null,
        };
        folder.WriteJson(AuditPlan.FileName, plan);
        AuditPlan.Load(folder.Root);
        Commitment.To(Json.Read<JsonNode>(folder.Path(AuditPlan.FileName), "audit plan")).Write(folder);
    }

    private ServedPlan PlanServed(string path, LocalModel source, IPictureMeasure measure, CancellationToken cancel)
    {
        var log = ServedLogReader.Read(path);
        log.CheckSeeds();
        if (log.Header is { } header && (header.Source != source.Identity || header.Sampling != options.Sampling))
            throw new UserException(
                $"the log was served by {header.Source[..12]}… with {header.Sampling}, the source given is {source.Identity[..12]}… with {options.Sampling}",
                "Give the model that served, sampled as it served.", path);
        var services = options.Suspects.Where(SuspectOpener.IsService).Select(s => HttpService.Load(s).Syntax).ToArray();
        TrialPool pool;
        using (var store = AnswerStore.Of(folder))
        {
            pool = TrialPool.Draw(
                folder.Folder(AuditPlaces.Trials), log, prompt => !services.Any(s => s.Unsafe(prompt) is not null), source, options.Fresh, options.Pool, options.Seed, store,
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
            Fresh = options.Fresh,
            Prompts = options.Prompts,
            Trials = pool.Trials,
            Asked = TrialChoice.Widest([.. pool.Trials.Select(t => t.Account)], spreads, options.Prompts),
        };
    }

    private SwapPlan PlanSwap(string path, LocalModel source, IPictureMeasure measure, CancellationToken cancel)
    {
        var set = TwinSet.Load(path);
        if (set.Models[0].Identity != source.Identity)
            throw new UserException(
                $"these are twins of {set.Models[0].Identity[..12]}…, the source is {source.Identity[..12]}…", "Give the twins of this source.", path);
        if (set.Design.Sampling != options.Sampling)
            throw new UserException(
                $"the twins were sampled with {set.Design.Sampling}, the suspects would be with {options.Sampling}", "Sample all alike.", path);
        // All that a verdict rests on lies in the folder.
        set.CopyTo(folder.Folder(AuditPlaces.Twins));
        return new()
        {
            Twins = set.Root,
            Count = set.Models.Count - 1,
            Prompts = options.SwapPrompts,
            Answers = options.SwapAnswers,
            Asked = AuditVerifier.SwapPrompts(
                set, options.SwapPrompts, measure, (done, of) => progress?.Invoke("comparing source and twins", done, of), cancel),
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
        using var opened = Open(path, folder, size);
        return new(opened.Model.Name, opened.Model.Identity);
    }

    /// <summary>Suspects of one name get their number behind it.</summary>
    private static IEnumerable<AuditedModel> Named(IEnumerable<AuditedModel> suspects)
    {
        var all = suspects.ToArray();
        return all.Select((s, i) => all.Count(o => o.Name == s.Name) > 1 ? s with { Name = $"{s.Name}-{all.Take(i + 1).Count(o => o.Name == s.Name)}" } : s);
    }

    private OpenedSuspect Open(string path, RunFolder place, int size) => SuspectOpener.Open(path, new SuspectOptions
    {
        Device = device, Sampling = options.Sampling, Folder = place, Size = (size, size), DecoyPool = options.DecoyPool,
    });
}
