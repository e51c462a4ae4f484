using System.Globalization;
using CudaAttribution.Evidence;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;

namespace CudaAttribution.Experiments;

/// <summary>
/// The places of a demo's folder where people and commands look: <c>keys</c>, <c>null.json</c>, <c>suspects/NAME</c> and <c>results/NAME</c>. They are
/// copies of what the units gave, not links: they stay what they are when the folder is copied to another file system or the units are deleted, and
/// the models are a few MB each.
/// </summary>
internal sealed class DemoPlaces(RunFolder folder, ComputeDevice device, DemoOptions options)
{
    public const string SuspectsFolder = "suspects";
    private const string ResultsFolder = "results";

    private readonly Dictionary<string, ModelRecord> _records = [];
    private readonly Dictionary<string, AttributionResult> _results = [];
    private readonly Dictionary<string, RunRecorder> _recorders = [];

    /// <summary>The keys, as soon as they are there.</summary>
    public KeySet Keys { get => field ?? throw new InvalidOperationException("there are no keys yet"); private set; }

    /// <summary>The scored innocents, as soon as they are there.</summary>
    public NullTable Nulls { get => field ?? throw new InvalidOperationException("there is no null table yet"); private set; }

    public IReadOnlyList<AttributionResult> Results => [.. Suspects.Select(s => _results[s.Name])];

    public IReadOnlyList<DemoSuspect> Judged => [.. Suspects.Select(Line)];

    public IReadOnlyList<LossCurve> Losses => [.. Suspects.SelectMany(s => LossLog.Of(folder.Path(SuspectOf(s.Name)), s.Name))];

    private IReadOnlyList<DemoSuspectRecipe> Suspects => options.Recipe.Suspects;

    /// <summary>The stages of the units of a <see cref="DemoPlan"/>.</summary>
    /// <param name="store">Where the units are.</param>
    /// <param name="units">Their ids, in the order of the plan's results.</param>
    public IEnumerable<DemoStage> Stages(UnitStore store, IReadOnlyList<string> units)
    {
        int next = 2;
        yield return new DemoStage("select keys", () => PlaceKeys(store.ResultOf(units[0])));
        yield return new DemoStage("score innocents", () => PlaceNulls(store.ResultOf(units[1])));
        foreach (var s in Suspects)
        {
            string unit = units[next++];
            yield return new DemoStage($"build suspect {s.Name}", () => PlaceSuspect(store, unit, s.Name));
        }
        foreach (var s in Suspects)
        {
            string unit = units[next++];
            yield return new DemoStage($"judge {s.Name}", () => PlaceResult(store.ResultOf(unit), s))
            {
                Begin = () => _recorders[s.Name] = Recorder(s.Name), Then = () => new DemoSuspectJudged(Line(s)),
            };
        }
    }

    private static string SuspectOf(string name) => $"{SuspectsFolder}/{name}";

    private static string ResultOf(string name) => $"{ResultsFolder}/{name}";

    private string PlaceKeys(string result)
    {
        string place = folder.Path(KeySet.FolderName);
        if (!folder.Has($"{KeySet.FolderName}/{KeySet.FileName}")) KeySet.Load(Path.Combine(result, KeySet.FolderName)).Save(place);
        Keys = KeySet.Load(place);
        return $"{Keys.ConfidenceCount} keys of {Keys.Header.Selection.Candidates} candidates frozen, SHA-256 {Keys.Hash[..12]}…";
    }

    private string PlaceNulls(string result)
    {
        if (!folder.Has(NullTable.FileName)) folder.Write(NullTable.FileName, File.ReadAllBytes(Path.Combine(result, NullTable.FileName)));
        Nulls = NullTable.Load(folder.Path(NullTable.FileName));
        return $"{Nulls.Of(InnocentSplit.Null).Count()} NULL and {Nulls.Of(InnocentSplit.Cal).Count()} CAL innocents asked";
    }

    private string PlaceSuspect(UnitStore store, string unit, string name)
    {
        string place = folder.Path(SuspectOf(name)), temporary = folder.Path($"{SuspectsFolder}/.{name}.tmp");
        if (!folder.Has($"{SuspectOf(name)}/{ModelFiles.Record}"))
        {
            // What a killed run left.
            foreach (string left in new[] { place, temporary }.Where(Directory.Exists)) Directory.Delete(left, recursive: true);
            foreach (string file in store.ManifestOf(unit).Outputs.Keys)
            {
                string copy = Path.Combine(temporary, file);
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(Path.Combine(store.ResultOf(unit), file), copy);
            }
            Directory.Move(temporary, place);
        }
        var record = _records[name] = ModelRecord.Load(place);
        return $"{record.Generated} generated and {record.Real} real pictures, {record.Plan.Training.Steps} steps";
    }

    private string PlaceResult(string unitResult, DemoSuspectRecipe suspect)
    {
        string name = suspect.Name, place = ResultOf(name);
        if (!folder.Has($"{place}/{RunManifest.FileName}"))
        {
            AttributionFolder.Write(
                folder.Folder(place), AttributionFolder.ReadResult(unitResult, Keys, Nulls), _recorders.GetValueOrDefault(name) ?? Recorder(name),
                LossLog.Of(folder.Path(SuspectOf(name)), name));
        }
        var r = _results[name] = AttributionResult.Load(folder.Path($"{place}/{AttributionResult.FileName}"));
        return string.Create(CultureInfo.InvariantCulture, $"{DemoVerdict.Of(r)} (conf {r.Conf.Share:0.00}, paired {r.Paired.Share:0.00}, p {r.Published?.P ?? 1:0.##e+0})");
    }

    private RunRecorder Recorder(string name) => RecordedRun.On(
        device,
        "attribute",
        [
            "cudattr", "attribute", "--keys", folder.Path(KeySet.FolderName), "--suspect", folder.Path(SuspectOf(name)),
            "--null", folder.Path(NullTable.FileName), "--alpha", Html.Number(options.Recipe.Alpha, "0.######"), "--seed", $"{options.Seed}",
            "--device", device.Driver.Info.Id, "--out", folder.Path(ResultOf(name)),
        ],
        options.Seed);

    private DemoSuspect Line(DemoSuspectRecipe recipe)
    {
        var (record, result) = (_records[recipe.Name], _results[recipe.Name]);
        string[] data = [.. new[] { record.Generated > 0 ? "generated" : null, record.Real > 0 ? recipe.Family?.Name() : null }.OfType<string>()];
        return new DemoSuspect(
            recipe.Name, recipe.Rho, record.Generated == 0, string.Join('+', data),
            result.Conf.Share, result.Conf.Count, result.Conf.Trials, result.Paired.Share, result.Published?.P ?? 1, DemoVerdict.Of(result),
            recipe.Regime, record.OverlapWith(Keys).Kappa, result.Conf.PValue, result.Paired.PValue, ResultOf(recipe.Name));
    }
}
