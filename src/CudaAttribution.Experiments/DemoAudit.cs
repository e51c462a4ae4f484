using System.Diagnostics;
using System.Globalization;
using CudaAttribution.Experiments.Audits;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments;

/// <summary>The audit of the demo's suspects: what <c>cudattr audit</c> does, in the demo's folder.</summary>
/// <param name="folder">The demo's folder.</param>
/// <param name="device">Where models run.</param>
/// <param name="options">The demo.</param>
/// <param name="suspects">Folders of the suspects.</param>
internal sealed class DemoAudit(RunFolder folder, ComputeDevice device, DemoOptions options, IReadOnlyList<string> suspects)
{
    public const string FolderName = "audit";

    private const string Title = "audit";

    /// <summary>Runs it, goes on with it, or reads the finished one.</summary>
    /// <param name="number">Number of the stage, the last one.</param>
    /// <param name="events">Is told how far it is.</param>
    /// <param name="cancel">Stops before the next query.</param>
    public (AuditResult Result, DemoStageTime Time) Run(int number, Action<DemoEvent>? events, CancellationToken cancel)
    {
        var watch = Stopwatch.StartNew();
        events?.Invoke(new DemoStageStarted(number, number, Title));
        var place = folder.Folder(FolderName);
        bool reused = place.Has(AuditSeal.FileName);
        var result = reused ? Json.Read<AuditResult>(place.Path(AuditResult.FileName), "audit") : Compute(place, events, cancel);
        var time = new DemoStageTime(Title, Math.Round(watch.Elapsed.TotalSeconds, 1), reused);
        string outcome = string.Create(
            CultureInfo.InvariantCulture, $"{result.Suspects.Count(s => s.Verdict == Verdict.Shown)} of {result.Suspects.Count} suspects shown");
        events?.Invoke(new DemoStageFinished(Title, time.Seconds, reused, outcome));
        return (result, time);
    }

    private AuditResult Compute(RunFolder place, Action<DemoEvent>? events, CancellationToken cancel)
    {
        var recorder = RecordedRun.On(device, "audit", CommandLine(place), options.Seed);
        // A demo is no attempt on anybody: its suspects are its own, and so is its register.
        var register = new AttemptRegister(folder.Path(AttemptRegister.FileName));
        var audit = Options();
        var inputs = AuditRun.IsCommitted(place.Root) ? null : AuditInputs.Read(audit, AuditTwins.In(audit.Twins!, seconds: null, NotDrawn));
        var result = new AuditRun(
            device, place, audit, inputs, register, recorder,
            (what, done, of) => events?.Invoke(new DemoStageProgress(Title, new UnitProgress("", what, done, of)))).Run(cancel);
        place.WriteJson(RunManifest.FileName, recorder.Describe(place));
        AuditSeal.Of(place.Root).Write(place);
        return result;
    }

    private static RunnerResult NotDrawn(UnitStore store, IReadOnlyList<string> units) => throw new UserException(
        "the twins of the demo are not drawn yet", "Finish them with 'cudattr twins draw', or take the shipped models.", store.Root);

    private AuditOptions Options()
    {
        var (recipe, audit) = (options.Recipe, options.Recipe.Audit);
        return new()
        {
            Source = new ModelReference(options.Model(recipe.Source)),
            Base = new ModelReference(options.Model(recipe.Base)),
            Served = folder.Path(DemoPlaces.ServedFolder),
            CompleteLog = true,
            Twins = options.Model(recipe.Twins),
            Suspects = suspects,
            Primary = PrimaryTest.ServedVersusFresh,
            Alpha = audit.Alpha,
            Fresh = audit.Fresh,
            Prompts = audit.Prompts,
            Pool = audit.Prompts,
            SwapPrompts = audit.SwapPrompts,
            SwapAnswers = audit.SwapAnswers,
            Measure = recipe.Metric,
            Seed = options.Seed,
            Sampling = recipe.Sampling,
        };
    }

    private string[] CommandLine(RunFolder place)
    {
        var (recipe, audit) = (options.Recipe, options.Recipe.Audit);
        return
        [
            "cudattr", "audit", "--source", options.Model(recipe.Source), "--base", options.Model(recipe.Base),
            "--served", folder.Path(DemoPlaces.ServedFolder), "--complete-log", "--twins", options.Model(recipe.Twins), .. suspects.SelectMany(s => new[] { "--suspect", s }),
            "--alpha", Html.Number(audit.Alpha, "0.######"), "--fresh", $"{audit.Fresh}", "--queries", $"{audit.Prompts}", "--pool", $"{audit.Prompts}",
            "--sample-steps", $"{recipe.Sampling.Steps}", "--guidance", Html.Number(recipe.Sampling.Guidance, "0.######"), "--seed", $"{options.Seed}",
            "--device", device.Driver.Info.Id, "--out", place.Root,
        ];
    }
}
