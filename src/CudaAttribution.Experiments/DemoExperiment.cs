using System.Diagnostics;
using System.Globalization;
using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;

namespace CudaAttribution.Experiments;

/// <summary>What a demo run is given.</summary>
public sealed record DemoOptions
{
    /// <summary>Folder with G0, the source and the reference innocents, as the recipe names them.</summary>
    public required string ModelsFolder { get; init; }

    /// <summary>Where everything goes.</summary>
    public required string Out { get; init; }

    public ulong Seed { get; init; } = 1;

    public required DemoRecipe Recipe { get; init; }

    /// <summary>The command line that repeats the run.</summary>
    public required IReadOnlyList<string> CommandLine { get; init; }
}

/// <summary>
/// The main job from end to end: freeze keys of the shipped source, score the shipped innocents, build the suspects of the recipe, judge
/// each, and write table and report. Each stage leaves its result in the folder, so that a killed run goes on where it was.
/// </summary>
public sealed class DemoExperiment(ComputeDevice device, DemoOptions options, Action<DemoEvent>? events = null)
{
    private const string SuspectsFolder = "suspects";
    private const string ResultsFolder = "results";
    private const string RunFile = "run.json";

    private readonly DemoRecipe _recipe = options.Recipe;
    private readonly List<DemoStageTime> _times = [];
    private int _stage;

    private int Stages => 2 + 2 * _recipe.Suspects.Count;

    /// <summary>Runs or continues.</summary>
    /// <exception cref="UserException">The folder is another run's, or the models folder is not as the recipe says.</exception>
    public DemoSummary Run(CancellationToken cancel = default)
    {
        var folder = new RunFolder(options.Out);
        var recorder = RecordedRun.On(device, "demo", options.CommandLine, options.Seed);
        var measure = MeasureRegistry.Create(_recipe.Metric, device);
        var tuner = new FineTuner(device, Models(_recipe.Base));
        var innocents = InnocentSet.Load(Models(_recipe.Innocents));
        using var source = Open(Models(_recipe.Source), "source");
        var sourceData = _recipe.SourceData.Load(source.Size, options.ModelsFolder);
        using var claim = Claim.Take(
            folder, RunFile, new Claimed(
                options.Seed, _recipe, tuner.BaseIdentity, source.Identity, sourceData.Hash, innocents.Members, device.Driver.Info.Id, device.Math.Name),
            "demo");
        using var store = AnswerStore.Of(folder);

        var keys = SelectKeys(folder, measure, store, source, sourceData, innocents, cancel);
        var nulls = ScoreInnocents(folder, measure, store, keys, innocents, cancel);
        var suspects = _recipe.Suspects.Select(s => (Recipe: s, Record: BuildSuspect(folder, tuner, s, source, sourceData, keys, cancel))).ToArray();
        var results = suspects.Select(s => (s.Recipe, s.Record, Result: Judge(folder, store, keys, nulls, s.Recipe, s.Record, cancel))).ToArray();

        var summary = new DemoSummary
        {
            Seconds = Math.Round(recorder.Seconds, 1),
            Resumed = claim.Resumed,
            Seed = options.Seed,
            Strategy = keys.Header.Options.Strategy,
            KeysetSha256 = keys.Hash,
            Suspects = [.. results.Select(r => Line(r.Recipe, r.Record, r.Result, keys))],
            Stages = _times,
        };
        recorder.Input("base model", tuner.BaseIdentity);
        recorder.Input("source", source.Identity);
        recorder.Input("source data", sourceData.Hash);
        var losses = _recipe.Suspects.SelectMany(s => LossLog.Of(folder.Path($"{SuspectsFolder}/{s.Name}"), s.Name)).ToArray();
        folder.Write(
            ReportContext.FileName,
            DemoReport.Render(summary, [.. results.Select(r => r.Result)], keys, nulls, new ReportContext(recorder.Describe(), losses)));
        folder.WriteJson(DemoSummary.FileName, summary);
        folder.WriteJson(RunManifest.FileName, recorder.Describe(folder, IsResult));
        return summary;
    }

    private KeySet SelectKeys(
        RunFolder folder, IPictureMeasure measure, AnswerStore store, LocalModel source, CaptionedDataset data, InnocentSet innocents,
        CancellationToken cancel)
    {
        string path = folder.Path(KeySet.FolderName);
        bool reused = File.Exists(Path.Combine(path, "keys.json"));
        return Stage("select keys", reused, Outcome, title =>
        {
            if (reused) return KeySet.Load(path);
            UnopenedModel[] sel = [.. innocents.Of(InnocentSplit.Sel).Select(m => innocents.Unopened(m, Open))];
            var keys = new KeySelector(measure, store).Select(
                source, data, sel, _recipe.Keys with { Seed = options.Seed }, (done, total) => Progress(title, "pictures", done, total), cancel);
            keys.Save(path);
            return keys;
        });

        static string Outcome(KeySet keys) =>
            $"{keys.ConfidenceCount} keys of {keys.Header.Selection.Candidates} candidates frozen, SHA-256 {keys.Hash[..12]}…";
    }

    private NullTable ScoreInnocents(
        RunFolder folder, IPictureMeasure measure, AnswerStore store, KeySet keys, InnocentSet innocents, CancellationToken cancel)
    {
        bool reused = folder.Has(NullTable.FileName);
        return Stage("score innocents", reused, Outcome, title =>
        {
            if (reused) return NullTable.Load(folder.Path(NullTable.FileName));
            var nulls = new InnocentScorer(measure, store).Score(
                keys, InnocentScorer.MembersOf(innocents, Open), options.Seed, (done, total) => Progress(title, "models", done, total), cancel);
            folder.WriteJson(NullTable.FileName, nulls);
            return nulls;
        });

        static string Outcome(NullTable nulls) =>
            $"{nulls.Of(InnocentSplit.Null).Count()} NULL and {nulls.Of(InnocentSplit.Cal).Count()} CAL innocents asked";
    }

    private ModelRecord BuildSuspect(
        RunFolder folder, FineTuner tuner, DemoSuspectRecipe recipe, LocalModel source, CaptionedDataset sourceData, KeySet keys,
        CancellationToken cancel)
    {
        string path = folder.Path($"{SuspectsFolder}/{recipe.Name}");
        bool reused = File.Exists(Path.Combine(path, ModelFiles.Record));
        return Stage($"build suspect {recipe.Name}", reused, Outcome, title =>
        {
            var plan = new ModelPlan
            {
                Name = recipe.Name,
                Rho = recipe.Rho,
                Count = recipe.Count,
                Regime = recipe.Regime,
                RealFamily = recipe.Family,
                // Suspects of one run must not share prompts, pictures or noise just because they share its seed.
                Seed = Philox.Stream($"suspect/{recipe.Name}", options.Seed),
                Training = _recipe.Training,
            };
            var inputs = new ModelInputs
            {
                Source = recipe.Rho > 0 ? source : null,
                PromptPool = recipe.Rho > 0 ? [.. sourceData.Items.Select(i => i.Caption)] : [],
                Real = recipe.Real?.Load(tuner.Size, options.ModelsFolder),
                Keys = keys,
            };
            return new ModelBuilder(tuner).Build(path, plan, inputs, p => events?.Invoke(new DemoStageProgress(title, p)), cancel);
        });

        static string Outcome(ModelRecord r) => $"{r.Generated} generated and {r.Real} real pictures, {r.Plan.Training.Steps} steps";
    }

    private AttributionResult Judge(
        RunFolder folder, AnswerStore store, KeySet keys, NullTable nulls, DemoSuspectRecipe recipe, ModelRecord record, CancellationToken cancel)
    {
        string name = $"{ResultsFolder}/{recipe.Name}", suspectPath = folder.Path($"{SuspectsFolder}/{recipe.Name}");
        bool reused = folder.Has($"{name}/{RunManifest.FileName}");
        var result = Stage($"judge {recipe.Name}", reused, Outcome, _ =>
        {
            if (reused) return AttributionResult.Load(folder.Path($"{name}/{AttributionResult.FileName}"));
            cancel.ThrowIfCancellationRequested();
            using var suspect = OpenedSuspect.Local(suspectPath, device, _recipe.Sampling);
            return AttributionJob.Run(
                keys,
                nulls,
                suspect,
                device,
                store,
                folder.Folder(name),
                new AttributionOptions { Alpha = _recipe.Alpha, Seed = options.Seed },
                RecordedRun.On(device, "attribute", AttributeCommand(folder, name, recipe), options.Seed),
                cancel).Run.Result;
        });
        events?.Invoke(new DemoSuspectJudged(Line(recipe, record, result, keys)));
        return result;

        static string Outcome(AttributionResult r) => string.Create(
            CultureInfo.InvariantCulture, $"{r.Verdict} (conf {r.Conf:0.00}, paired {r.Paired:0.00}, p {r.PValue:0.##e+0})");
    }

    private string[] AttributeCommand(RunFolder folder, string name, DemoSuspectRecipe recipe) =>
    [
        "cudattr", "attribute", "--keys", folder.Path(KeySet.FolderName), "--suspect", folder.Path($"{SuspectsFolder}/{recipe.Name}"),
        "--null", folder.Path(NullTable.FileName), "--alpha", Html.Number(_recipe.Alpha, "0.######"), "--seed", $"{options.Seed}",
        "--device", device.Driver.Info.Id, "--out", folder.Path(name),
    ];

    private static DemoSuspect Line(DemoSuspectRecipe recipe, ModelRecord record, AttributionResult result, KeySet keys)
    {
        string[] data = [.. new[] { record.Generated > 0 ? "generated" : null, record.Real > 0 ? recipe.Family?.Name() : null }.OfType<string>()];
        return new DemoSuspect(
            recipe.Name, recipe.Rho, record.Generated == 0, string.Join('+', data),
            result.Conf, result.Hits, result.N, result.Paired, result.PValue, result.Verdict,
            recipe.Regime, record.OverlapWith(keys).Kappa, result.ConfTest.PValue, result.PairedTest.PValue, $"{ResultsFolder}/{recipe.Name}");
    }

    private T Stage<T>(string title, bool reused, Func<T, string> outcome, Func<string, T> work)
    {
        events?.Invoke(new DemoStageStarted(++_stage, Stages, title));
        var watch = Stopwatch.StartNew();
        T result = work(title);
        double seconds = Math.Round(watch.Elapsed.TotalSeconds, 1);
        _times.Add(new(title, seconds, reused));
        events?.Invoke(new DemoStageFinished(title, seconds, reused, outcome(result)));
        return result;
    }

    private void Progress(string title, string activity, int done, int total) =>
        events?.Invoke(new DemoStageProgress(title, new UnitProgress("", activity, done, total)));

    private LocalModel Open(string folder, string name) => LocalModel.Open(folder, device, _recipe.Sampling, name);

    private static bool IsResult(string name) => !name.StartsWith(SuspectsFolder, StringComparison.Ordinal) && !AnswerStore.Holds(name);

    private string Models(string name)
    {
        string path = Path.Combine(options.ModelsFolder, name);
        return Directory.Exists(path)
            ? path
            : throw new UserException(
                $"the models folder has no '{name}'", "Name the folder of the shipped models, or a recipe that fits yours.", options.ModelsFolder);
    }

    private sealed record Claimed(
        ulong Seed, DemoRecipe Recipe, string BaseIdentity, string SourceIdentity, string SourceDataHash, IReadOnlyList<Innocent> Innocents,
        string Device, string MathLibrary);
}
