using System.Globalization;
using CudaAttribution.Evidence;
using CudaAttribution.Experiments.Plans;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Reports;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Runs.Units;
using CudaAttribution.Served;
using CudaAttribution.Tensors;
using CudaAttribution.Verdicts;

namespace CudaAttribution.Experiments;

/// <summary>
/// The places of a demo's folder where people and commands look: <c>served</c>, <c>keys</c>, <c>suspects/NAME</c> and <c>indications/NAME</c>. They are
/// copies of what the units gave, not links: they stay what they are when the folder is copied to another file system or the units are deleted, and
/// the models are a few MB each.
/// </summary>
internal sealed class DemoPlaces(RunFolder folder, ComputeDevice device, DemoOptions options)
{
    public const string ServedFolder = "served", SuspectsFolder = "suspects";
    private const string IndicationsFolder = "indications";

    private readonly Dictionary<string, ModelRecord> _records = [];
    private readonly Dictionary<string, AttributionResult> _results = [];
    private readonly Dictionary<string, RunRecorder> _recorders = [];

    /// <summary>The keys, as soon as they are there.</summary>
    public KeySet Keys { get => field ?? throw new InvalidOperationException("there are no keys yet"); private set; }

    public IReadOnlyList<AttributionResult> Results => [.. Suspects.Select(s => _results[s.Name])];

    public IReadOnlyList<LossCurve> Losses => [.. Suspects.SelectMany(s => LossLog.Of(folder.Path(SuspectOf(s.Name)), s.Name))];

    public IReadOnlyList<string> SuspectFolders => [.. Suspects.Select(s => folder.Path(SuspectOf(s.Name)))];

    private IReadOnlyList<DemoSuspectRecipe> Suspects => options.Recipe.Suspects;

    /// <summary>The stages of the units of a <see cref="DemoPlan"/>.</summary>
    /// <param name="store">Where the units are.</param>
    /// <param name="units">Their ids, in the order of the plan's results.</param>
    public IEnumerable<DemoStage> Stages(UnitStore store, IReadOnlyList<string> units)
    {
        int next = 2;
        yield return new DemoStage("serve", () => PlaceLog(store, units[0]));
        yield return new DemoStage("select keys", () => PlaceKeys(store.ResultOf(units[1])));
        foreach (var s in Suspects)
        {
            string unit = units[next++];
            yield return new DemoStage($"build suspect {s.Name}", () => PlaceSuspect(store, unit, s.Name));
        }
        foreach (var s in Suspects)
        {
            string unit = units[next++];
            yield return new DemoStage($"published method on {s.Name}", () => PlaceResult(store.ResultOf(unit), s))
            {
                Begin = () => _recorders[s.Name] = Recorder(s.Name),
            };
        }
    }

    /// <summary>The lines of the table, when the audit is over.</summary>
    public IReadOnlyList<DemoSuspect> Judged(AuditResult audit) => [.. Suspects.Zip(audit.Suspects, Line)];

    private static string SuspectOf(string name) => $"{SuspectsFolder}/{name}";

    private static string IndicationsOf(string name) => $"{IndicationsFolder}/{name}";

    private string PlaceLog(UnitStore store, string unit)
    {
        Copy(store, unit, ServedFolder, ServedLog.LinesFile);
        var log = ServedLogReader.Read(folder.Path(ServedFolder));
        return string.Join(", ", log.Pictures.GroupBy(p => p.Account).Select(a => $"{a.Count()} pictures to {a.Key}"));
    }

    private string PlaceKeys(string result)
    {
        string place = folder.Path(KeySet.FolderName);
        if (!folder.Has($"{KeySet.FolderName}/{KeySet.FileName}")) KeySet.Load(Path.Combine(result, KeySet.FolderName)).Save(place);
        Keys = KeySet.Load(place);
        return $"{Keys.ConfidenceCount} keys of {Keys.Header.Selection.Candidates} candidates frozen, SHA-256 {Keys.Hash[..12]}…";
    }

    private string PlaceSuspect(UnitStore store, string unit, string name)
    {
        Copy(store, unit, SuspectOf(name), ModelFiles.Record);
        var record = _records[name] = ModelRecord.Load(folder.Path(SuspectOf(name)));
        return $"{record.Generated} served and {record.Real} real pictures, {record.Plan.Training.Steps} steps";
    }

    /// <summary>Copies a unit's result, whole or not at all; the last file says that it is there.</summary>
    private void Copy(UnitStore store, string unit, string name, string last)
    {
        if (folder.Has($"{name}/{last}")) return;
        string place = folder.Path(name), temporary = Path.Combine(Path.GetDirectoryName(place)!, $".{Path.GetFileName(place)}.tmp");
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

    private string PlaceResult(string unitResult, DemoSuspectRecipe suspect)
    {
        string name = suspect.Name, place = IndicationsOf(name);
        if (!folder.Has($"{place}/{RunManifest.FileName}"))
        {
            AttributionFolder.Write(
                folder.Folder(place), AttributionFolder.ReadResult(unitResult, Keys, nulls: null), _recorders.GetValueOrDefault(name) ?? Recorder(name),
                LossLog.Of(folder.Path(SuspectOf(name)), name));
        }
        var r = _results[name] = AttributionResult.Load(folder.Path($"{place}/{AttributionResult.FileName}"));
        return string.Create(CultureInfo.InvariantCulture, $"conf {r.Conf.Share:0.00}, the published rule {(r.Published is { Accuses: true } ? "accuses" : "does not accuse")}");
    }

    private RunRecorder Recorder(string name) => RecordedRun.On(
        device,
        "attribute",
        [
            "cudattr", "attribute", "--keys", folder.Path(KeySet.FolderName), "--suspect", folder.Path(SuspectOf(name)),
            "--alpha", Html.Number(options.Recipe.Audit.Alpha, "0.######"), "--seed", $"{options.Seed}",
            "--device", device.Driver.Info.Id, "--out", folder.Path(IndicationsOf(name)),
        ],
        options.Seed);

    private DemoSuspect Line(DemoSuspectRecipe recipe, SuspectResult found)
    {
        var (record, indications) = (_records[recipe.Name], _results[recipe.Name]);
        string[] data = [.. new[] { record.Generated > 0 ? "generated" : null, record.Real > 0 ? recipe.Family?.Name() : null }.OfType<string>()];
        return new DemoSuspect(
            recipe.Name, recipe.Rho, record.Generated == 0, string.Join('+', data), found.Verdict, found.PValue, found.EValue, found.Queries,
            found.QueriesToShown,
            [.. found.Accounts.Where(a => a.Shown).Select(a => new DemoFound(a.Account!, a.Ranks.FirstPlaces, a.Ranks.Ranks.Count))],
            found.Tests.FirstOrDefault(t => t.Swap is not null)?.PValue,
            indications.Conf.Share, indications.Conf.Count, indications.Conf.Trials, indications.Paired.Share, indications.Published?.Accuses,
            indications.Conf.PValue, indications.Paired.PValue, record.Plan.Regime, record.OverlapWith(Keys).Kappa, IndicationsOf(recipe.Name));
    }
}
