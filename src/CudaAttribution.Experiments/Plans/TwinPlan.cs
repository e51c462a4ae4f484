using CudaAttribution.Experiments.Units;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Plans;

/// <summary>The units of a <see cref="TwinPlan"/>.</summary>
/// <param name="Graph">All of them.</param>
/// <param name="Trained">Ids of those that train: the twins and, where the seed of the source is known, the source once more.</param>
/// <param name="Sheets">Ids of those that draw: of the source, then of the twins.</param>
/// <param name="SourceAgain">Id of the unit that trains the source once more, if one does.</param>
public sealed record TwinUnits(UnitGraph Graph, IReadOnlyList<string> Trained, IReadOnlyList<string> Sheets, string? SourceAgain);

/// <summary>A <see cref="TwinDesign"/> with what it is made from, by what a store calls it: the file <c>plan.json</c> beside the store.</summary>
public sealed record TwinPlan
{
    public const string FileName = "plan.json";
    public const string CurrentSchema = "cudattr-twin-plan-1";

    internal const string StoreFolder = "units";

    private const string SourceAgain = "the source again", SourceSheet = "sheet of the source";

    public string Schema { get; init; } = CurrentSchema;

    public required TwinDesign Design { get; init; }

    /// <summary>The content that is the base model.</summary>
    public required string Base { get; init; }

    /// <summary>The content that is the source.</summary>
    public required string Source { get; init; }

    public required UnitData Data { get; init; }

    public UnitEngine? Engine { get; init; }

    /// <summary>Reads the plan of a folder.</summary>
    /// <exception cref="UserException">There is none.</exception>
    public static TwinPlan Load(string folder)
    {
        string file = Path.Combine(folder, FileName);
        var plan = Json.Read<TwinPlan>(file, "plan of twins");
        Json.CheckSchema(plan.Schema, CurrentSchema, file);
        plan.Design.Validate(file);
        return plan;
    }

    /// <summary>The store of a folder of twins.</summary>
    /// <exception cref="UserException">There is none.</exception>
    public static UnitStore StoreOf(string folder) => UnitStore.Open(Path.Combine(folder, StoreFolder));

    /// <summary>The plan as units.</summary>
    public TwinUnits Units()
    {
        var trained = Design.Seeds.ToDictionary(TwinName, Training);
        if (Design.Source.Seed is { } own) trained.Add(SourceAgain, Training(own));
        var sheets = Design.Seeds.ToDictionary(s => $"sheet of {TwinName(s)}", s => Sheet(TwinName(s)));
        string[] results = [.. trained.Keys, SourceSheet, .. sheets.Keys];
        var graph = new UnitPlan
        {
            Units = trained.Concat(sheets).Append(KeyValuePair.Create(SourceSheet, Sheet(Source))).ToDictionary(),
            Results = results,
        }.Resolve();
        return new TwinUnits(
            graph, [.. graph.Results.Take(trained.Count)], [.. graph.Results.Skip(trained.Count)],
            Design.Source.Seed is null ? null : graph.Results[trained.Count - 1]);
    }

    /// <summary>Makes the set of twins of finished units.</summary>
    /// <param name="store">Their store.</param>
    /// <param name="folder">Where the set goes.</param>
    /// <exception cref="UserException">A unit is not finished, or its result was changed.</exception>
    public TwinSet Assemble(UnitStore store, RunFolder folder)
    {
        var units = Units();
        foreach (var unit in units.Graph.Units)
        {
            if (!store.IsFinished(unit.Id)) throw new UserException($"unit {unit.Id} of kind '{unit.Kind}' is not computed yet", "Compute it.", store.Root);
            if (store.Changed(unit.Id) is [var file, ..])
                throw new UserException($"'{file}' of unit {unit.Id} is not what was computed", "Delete the unit's folder, and compute it again.", store.Root);
        }
        bool? reproduced = units.SourceAgain is { } again
            ? Json.Read<TwinRecord>(Path.Combine(store.ResultOf(again), TwinRecord.FileName), "record of a twin").Identity == Design.Source.Identity
            : null;
        return TwinSet.Save(folder, Design, reproduced, [.. units.Sheets.Select((id, j) => Model(store, folder, id, j))]);
    }

    private TwinModel Model(UnitStore store, RunFolder folder, string sheet, int number)
    {
        string result = store.ResultOf(sheet);
        var record = Json.Read<SheetRecord>(Path.Combine(result, SheetRecord.FileName), "record of a sheet");
        for (int page = 0; page < record.Pages.Count; page++)
            folder.Write(TwinSet.PageFile(number, page), File.ReadAllBytes(Path.Combine(result, SheetRecord.PageFile(page))));
        return number == 0
            ? new TwinModel(Design.Source.Name, Design.Source.Seed, record.Identity, record.Pages)
            : new TwinModel(TwinName(Design.Seeds[number - 1]), Design.Seeds[number - 1], record.Identity, record.Pages);
    }

    private static string TwinName(ulong seed) => $"twin {seed}";

    private PlannedUnit Training(ulong seed)
    {
        var settings = new TwinSettings { Recipe = Design.Recipe, Seed = seed, Data = Data.Spec, OnBadImage = Design.OnBadImage, Engine = Engine };
        return new(TwinKind.KindName, UnitSettings.Write(settings, new TwinSettings()), [Base, .. Data.Inputs]);
    }

    private PlannedUnit Sheet(string model)
    {
        var settings = new SheetSettings
        {
            Prompts = Design.Prompts, Draws = Design.Draws, Seed = Design.DrawingSeed, Sampling = Design.Sampling, Engine = Engine,
        };
        return new(SheetKind.KindName, UnitSettings.Write(settings, new SheetSettings()), [model]);
    }
}
