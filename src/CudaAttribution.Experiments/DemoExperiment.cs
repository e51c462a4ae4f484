using System.Runtime.ExceptionServices;
using CudaAttribution.Answers;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments;

/// <summary>What a demo run is given.</summary>
public sealed record DemoOptions
{
    /// <summary>Folder with G0, the source and its twins, as the recipe names them.</summary>
    public required string ModelsFolder { get; init; }

    /// <summary>Where everything goes.</summary>
    public required string Out { get; init; }

    public ulong Seed { get; init; } = 1;

    public required DemoRecipe Recipe { get; init; }

    /// <summary>The command line that repeats the run.</summary>
    public required IReadOnlyList<string> CommandLine { get; init; }

    /// <summary>A folder of the models folder.</summary>
    /// <exception cref="UserException">It is not there.</exception>
    internal string Model(string name)
    {
        string path = Path.Combine(ModelsFolder, name);
        return Directory.Exists(path)
            ? path
            : throw new UserException(
                $"the models folder has no '{name}'", "Name the folder of the shipped models, or a recipe that fits yours.", ModelsFolder);
    }
}

/// <summary>
/// The main job from end to end: the shipped source serves two accounts, suspects are built, the published method is put to each, and one audit gives the
/// verdicts. What is built is a <see cref="DemoPlan"/> over units, whose store is in the folder, so that a killed run goes on where it was; the audit goes
/// on by itself.
/// </summary>
public sealed class DemoExperiment(ComputeDevice device, DemoOptions options, Action<DemoEvent>? events = null)
{
    private const string RunFile = "run.json", StoreFolder = "units";

    private readonly DemoRecipe _recipe = options.Recipe;

    /// <summary>Runs or continues.</summary>
    /// <exception cref="UserException">The folder is another run's, or the models folder is not as the recipe says.</exception>
    public DemoSummary Run(CancellationToken cancel = default)
    {
        var folder = new RunFolder(options.Out);
        var recorder = RecordedRun.On(device, "demo", options.CommandLine, options.Seed);
        MeasureRegistry.CheckPixel(_recipe.Metric);
        var tuner = new FineTuner(device, options.Model(_recipe.Base));
        var (source, sourceData) = Source();
        string twins = TwinSet.Load(options.Model(_recipe.Twins)).Root;
        using var claim = Claim.Take(
            folder, RunFile, new Claimed(
                options.Seed, _recipe, tuner.BaseIdentity, source, sourceData, twins, device.Driver.Info.Id, device.Math.Name),
            "demo");

        var places = new DemoPlaces(folder, device, options);
        var times = Compute(UnitStore.OpenOrCreate(folder.Path(StoreFolder)), places, cancel);
        var (audit, time) = new DemoAudit(folder, device, options, places.SuspectFolders).Run(times.Count + 1, events, cancel);
        var summary = new DemoSummary
        {
            Seconds = Math.Round(recorder.Seconds, 1),
            Resumed = claim.Resumed,
            Seed = options.Seed,
            Alpha = audit.Alpha,
            PlanCommit = audit.PlanCommit,
            Strategy = places.Keys.Header.Options.Strategy,
            KeysetSha256 = places.Keys.Hash,
            Suspects = places.Judged(audit),
            Stages = [.. times, time],
        };
        recorder.Input("base model", tuner.BaseIdentity);
        recorder.Input("source", source);
        recorder.Input("source data", sourceData);
        recorder.Input("twins", twins);
        folder.Write(
            ReportContext.FileName,
            DemoReport.Render(summary, audit, places.Results, places.Keys, new ReportContext(recorder.Describe(), places.Losses)));
        folder.WriteJson(DemoSummary.FileName, summary);
        folder.WriteJson(RunManifest.FileName, recorder.Describe(folder, IsResult));
        return summary;
    }

    private List<DemoStageTime> Compute(UnitStore store, DemoPlaces places, CancellationToken cancel)
    {
        var graph = DemoPlan.Of(_recipe, options.Seed, Import(store), UnitEngine.Of(device)).Resolve();
        store.Add(graph);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var stages = new DemoStages([.. graph.Results.Zip(places.Stages(store, graph.Results))], graph.Results.Count + 1, events, stop.Cancel);
        // The device is the caller's, who closes it.
        var kinds = ExperimentKinds.All(new UnitDevices(_ => device));
        var result = new InProcessRunner(store, kinds).RunAsync(graph, stages, stop.Token).GetAwaiter().GetResult();
        if (result.Units.Select(u => u.Error).FirstOrDefault(e => e is not null) is { } error) ExceptionDispatchInfo.Throw(error);
        cancel.ThrowIfCancellationRequested();
        return stages.Times;
    }

    private DemoContents Import(UnitStore store) => new()
    {
        Base = store.Import(LocalModel.ModelFolder(options.Model(_recipe.Base))),
        Source = store.Import(LocalModel.ModelFolder(options.Model(_recipe.Source))),
        Data = _recipe.Suspects.Select(s => s.Real).OfType<DataSpec>().Append(_recipe.SourceData).Distinct()
            .ToDictionary(d => d, d => UnitData.Import(store, d, options.ModelsFolder)),
    };

    private (string Identity, string DataHash) Source()
    {
        using var source = LocalModel.Open(options.Model(_recipe.Source), device, _recipe.Sampling);
        return (source.Identity, _recipe.SourceData.Load(source.Size, options.ModelsFolder).Hash);
    }

    // The audit's folder has a manifest and a seal of its own.
    private static bool IsResult(string name) =>
        new[] { DemoPlaces.SuspectsFolder, StoreFolder, DemoAudit.FolderName }.All(f => !name.StartsWith(f + "/", StringComparison.Ordinal));

    private sealed record Claimed(
        ulong Seed, DemoRecipe Recipe, string BaseIdentity, string SourceIdentity, string SourceDataHash, string TwinsRoot, string Device,
        string MathLibrary);
}
