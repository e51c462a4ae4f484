using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Chain;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Remote;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Served;
using CudaAttribution.Tensors;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments.Audits;

/// <summary>
/// An audit from end to end: draws what the suspects will be compared with, commits to the plan, asks controls and suspects, and judges. Whatever stops
/// it, the same call goes on behind what is there; nothing is asked twice, and the plan stays what was committed to.
/// </summary>
/// <param name="device">Where models run.</param>
/// <param name="folder">The folder of the audit.</param>
/// <param name="options">What is audited.</param>
/// <param name="progress">What is done, and how much of it.</param>
public sealed class AuditRun(ComputeDevice device, RunFolder folder, AuditOptions options, Action<string, int, int>? progress = null)
{
    private const string RunFile = "audit-run.json";

    /// <summary>Runs or continues.</summary>
    /// <exception cref="UserException">An input makes no sense, or the folder is another audit's or was touched.</exception>
    public AuditResult Run(CancellationToken cancel = default)
    {
        options.Check();
        using var claim = Claim.Take(folder, RunFile, options, "audit");
        if (!folder.Has(Commitment.FileName)) Commit(cancel);
        var (plan, commit) = Committed(folder.Root);
        var judge = new AuditJudge(folder.Root, plan, commit, MeasureRegistry.Create(plan.Measure, device));
        for (int i = 0; i < plan.Controls.Count; i++) Interview(plan, commit, AuditPlaces.OfControl(plan, i), OpenControl(plan, i), NoisePurpose.Control, _ => false, cancel);
        for (int i = 0; i < plan.Suspects.Count; i++)
        {
            var examiner = judge.Examiner();
            Interview(plan, commit, AuditPlaces.OfSuspect(plan, i), OpenSuspect(plan, i), NoisePurpose.Testing, Enough(plan, examiner), cancel);
        }
        var result = judge.Judge();
        folder.WriteJson(AuditResult.FileName, result);
        return result;
    }

    /// <summary>The plan of a folder, which is what its commitment says.</summary>
    /// <exception cref="UserException">There is none, or it was changed.</exception>
    public static (AuditPlan Plan, string Commit) Committed(string folder)
    {
        string file = Path.Combine(folder, AuditPlan.FileName);
        var commitment = Commitment.Read(folder);
        commitment.Check(Json.Read<JsonNode>(file, "audit plan"), file);
        return (AuditPlan.Load(folder), commitment.Commit);
    }

    /// <summary>Nothing more is needed where the suspect would be shown beside any others.</summary>
    private static Func<AskedAnswer, bool> Enough(AuditPlan plan, AuditExaminer? examiner)
    {
        double needed = Math.Log10(plan.Suspects.Count / plan.Alpha);
        int unusable = 0, bearable = (int)(plan.Unusable * plan.Prompts.Count);
        return asked =>
        {
            if (!plan.Sequential) return false;
            if (asked.Answer.Image is null) unusable++;
            examiner!.Take(asked);
            return examiner.HighestLog10E >= needed || unusable > bearable;
        };
    }

    private void Interview(
        AuditPlan plan, string commit, string place, Func<(IImageModel Model, IDisposable Opened)> open, NoisePurpose purpose,
        Func<AskedAnswer, bool> enough, CancellationToken cancel)
    {
        var (model, opened) = open();
        using (opened)
        {
            new AuditInterview(folder.Folder(place), plan, commit)
                .Ask(model, purpose, enough, (done, of) => progress?.Invoke($"asking {model.Name}", done, of), cancel);
        }
    }

    private void Commit(CancellationToken cancel)
    {
        using var source = LocalModel.Open(options.Source, device, options.Sampling);
        var measure = MeasureRegistry.Create(options.Measure, device);
        var plan = new AuditPlan
        {
            Program = RunManifest.ProgramVersion,
            KernelsSha256 = device.Driver.Kernels.Hash,
            Source = new(source.Name, source.Identity),
            Sampling = options.Sampling,
            Suspects = [.. Named(options.Suspects.Select(Identify))],
            Controls = options.Served is null ? [] : [new(source.Name, source.Identity), .. Base()],
            Primary = options.Primary,
            Alpha = options.Alpha,
            Sequential = options.Sequential,
            Unusable = options.Unusable,
            Seed = options.Seed,
            Measure = options.Measure,
            Served = options.Served is { } log ? PlanServed(log, source, measure, cancel) : null,
        };
        folder.WriteJson(AuditPlan.FileName, plan);
        AuditPlan.Load(folder.Root);
        Commitment.To(Json.Read<JsonNode>(folder.Path(AuditPlan.FileName), "audit plan")).Write(folder);
    }

    private ServedPlan PlanServed(string path, LocalModel source, IPictureMeasure measure, CancellationToken cancel)
    {
        var log = ServedLogReader.Read(path);
        TrialPool pool;
        using (var store = AnswerStore.Of(folder))
        {
            pool = TrialPool.Draw(
                folder.Folder(AuditPlaces.Trials), log.Pictures, source, options.Fresh, options.Pool, options.Seed, store,
                (done, of) => progress?.Invoke("drawing fresh pictures", done, of), cancel);
        }
        // The strips hold all of them.
        AnswerStore.Remove(folder);
        double[] spreads = [.. Enumerable.Range(0, pool.Trials.Count).Select(i => TrialChoice.Spread(pool.Pictures(i), measure))];
        return new()
        {
            Log = log.Commitment.Root,
            Entries = log.Pictures.Count,
            SeedsKnown = log.SeedsKnown,
            Fresh = options.Fresh,
            Trials = pool.Trials,
            Asked = TrialChoice.Asked(pool.Trials, spreads, options.Prompts),
        };
    }

    private IEnumerable<AuditedModel> Base()
    {
        if (options.Base is null) yield break;
        using var model = LocalModel.Open(options.Base, device, options.Sampling);
        yield return new(model.Name, model.Identity);
    }

    private (string Name, string Identity) Identify(string path)
    {
        using var opened = Open(path, folder);
        return (opened.Model.Name, opened.Model.Identity);
    }

    /// <summary>Suspects of one name get their number behind it.</summary>
    private static IEnumerable<PlannedSuspect> Named(IEnumerable<(string Name, string Identity)> suspects)
    {
        var all = suspects.ToArray();
        return all.Select((s, i) => new PlannedSuspect(
            all.Count(o => o.Name == s.Name) > 1 ? $"{s.Name}-{all.Take(i + 1).Count(o => o.Name == s.Name)}" : s.Name, s.Identity, 1, null));
    }

    private OpenedSuspect Open(string path, RunFolder place, Action<int, int>? asked = null) => SuspectOpener.Open(path, new SuspectOptions
    {
        Device = device,
        Sampling = options.Sampling,
        Folder = place,
        Size = _size,
        DecoyPool = options.DecoyPool,
        Progress = asked,
    });

    private (int Width, int Height) _size;
}
