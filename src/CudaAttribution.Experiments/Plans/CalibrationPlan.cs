using CudaAttribution.Experiments.Units;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Served;
using CudaAttribution.Twins;

namespace CudaAttribution.Experiments.Plans;

/// <summary>What a campaign is made from, by what a store calls it.</summary>
/// <param name="Base">The base model.</param>
/// <param name="Source">The source.</param>
/// <param name="Twins">The set of twins.</param>
/// <param name="Design">Its design.</param>
/// <param name="Data">Every data set of recipe and design.</param>
public sealed record CalibrationContents(
    string Base, string Source, string Twins, TwinDesign Design, IReadOnlyDictionary<DataSpec, UnitData> Data)
{
    /// <summary>Puts what a recipe names into a store.</summary>
    /// <exception cref="UserException">Something is missing, or the twins are of another source.</exception>
    public static CalibrationContents Import(UnitStore store, CalibrationRecipe recipe, string models)
    {
        string Place(string name) => Directory.Exists(Path.Combine(models, name))
            ? Path.Combine(models, name)
            : throw new UserException($"the models folder has no '{name}'", "Name the folder of the shipped models, or a recipe that fits yours.", models);
        var design = TwinSet.Load(Place(recipe.Twins)).Design;
        var data = recipe.Families.SelectMany(f => new[] { f.Real, f.OtherSource }).Concat(recipe.Guilty.Select(g => g.Real)).OfType<DataSpec>().Append(design.Data);
        return new(
            store.Import(Answers.LocalModel.ModelFolder(Place(recipe.Base))), store.Import(Answers.LocalModel.ModelFolder(Place(recipe.Source))),
            store.Import(Place(recipe.Twins)), design, data.Distinct().ToDictionary(d => d, d => UnitData.Import(store, d, models)));
    }
}

/// <summary>One model of a campaign.</summary>
/// <param name="Group">Its family, or group of models that were trained on served pictures.</param>
/// <param name="Number">Its number in the group, from 0.</param>
/// <param name="Distances">Id of the unit of <see cref="DistancesKind"/>.</param>
/// <param name="Swap">Id of the unit of <see cref="SwapKind"/>; null where it is not put to that test.</param>
public sealed record CalibrationCase(string Group, int Number, string Distances, string? Swap);

/// <summary>The units of a campaign: logs and their fresh pictures, models of every group, and what each answers.</summary>
public sealed class CalibrationPlan
{
    private const string Nobody = "nobody", Pool = "pool";

    private readonly Dictionary<string, PlannedUnit> _units = [];
    private readonly List<(string Group, int Number, string Distances, string? Swap)> _cases = [];
    private readonly CalibrationRecipe _recipe;
    private readonly CalibrationContents _contents;
    private readonly ulong _seed;
    private readonly UnitEngine? _engine;

    /// <param name="recipe">Its numbers.</param>
    /// <param name="seed">Its seed.</param>
    /// <param name="contents">What it is made from.</param>
    /// <param name="engine">What computes it.</param>
    public CalibrationPlan(CalibrationRecipe recipe, ulong seed, CalibrationContents contents, UnitEngine? engine)
    {
        (_recipe, _seed, _contents, _engine) = (recipe, seed, contents, engine);
        Trials(Pool, Nobody, recipe.Queries, recipe.Pictures - 1, recipe.Queries);
        foreach (var family in recipe.Families) Add(family);
        foreach (var group in recipe.Guilty) Add(group);
        Graph = new UnitPlan { Units = _units, Results = [.. _cases.SelectMany(c => new[] { c.Distances, c.Swap }).OfType<string>()] }.Resolve();
        var ids = new Queue<string>(Graph.Results);
        Cases = [.. _cases.Select(c => new CalibrationCase(c.Group, c.Number, ids.Dequeue(), c.Swap is null ? null : ids.Dequeue()))];
    }

    public UnitGraph Graph { get; }

    /// <summary>All models, group by group.</summary>
    public IReadOnlyList<CalibrationCase> Cases { get; }

    private void Add(CalibrationFamily family)
    {
        if (family.OtherSource is { } other) Train(SourceOf(family), other, family.OtherSeed);
        for (int i = 0; i < family.Models; i++)
        {
            string model = $"{family.Name} {i + 1}";
            ulong seed = family.FirstSeed + (ulong)i;
            if (family.OtherSource is null && family.Real is null) Train(model, _contents.Design.Data, seed);
            else Build(model, Lawful(family, seed), family.OtherSource is null ? null : SourceOf(family), log: null, family.OtherSource, family.Real);
            Ask(family.Name, i, model, Pool, swap: true);
        }
    }

    private void Add(CalibrationGuilty group)
    {
        for (int log = 0; log < Math.Min(_recipe.GuiltyLogs, group.Models); log++) Trials(TrialsOf(group, log), group.Name, group.Served, _recipe.Fresh, group.Queries);
        for (int i = 0; i < group.Models; i++)
        {
            string model = $"{group.Name} {i + 1}", trials = TrialsOf(group, i % _recipe.GuiltyLogs);
            var plan = new ModelPlan
            {
                Name = model, Rho = group.Rho, Count = group.Count, Account = group.Name, RealFamily = group.Real is null ? null : InnocentFamily.RealOther,
                Seed = group.FirstSeed + (ulong)i, Training = _recipe.Training,
            };
            Build(model, plan, _contents.Source, LogOf(trials), prompts: null, group.Real);
            Ask(group.Name, i, model, trials, swap: i < _recipe.GuiltySwaps);
        }
    }

    private ModelPlan Lawful(CalibrationFamily family, ulong seed)
    {
        var known = Enum.GetValues<InnocentFamily>().Where(f => f.Name() == family.Name).Select(f => (InnocentFamily?)f).FirstOrDefault();
        return new()
        {
            Name = family.Name, Role = known is null ? ModelRole.Suspect : ModelRole.Innocent, Rho = family.OtherSource is null ? 0 : 1,
            Count = _recipe.Law.CountOf(seed)!.Value, RealFamily = known, Seed = seed,
            SourceGuidance = family.OtherSource is null ? null : _recipe.Law.GuidanceOf(seed), Training = _recipe.Law.Training(_recipe.Training, seed),
        };
    }

    private void Trials(string name, string account, int served, int fresh, int prompts)
    {
        var (data, log) = (_contents.Data[_contents.Design.Data], LogOf(name));
        ulong seed = Tensors.Philox.Stream(name, _seed);
        var serving = new ServedSettings
        {
            Accounts = [new ServedAccount(account, served)], Prompts = data.Spec, Seed = seed, Sampling = _recipe.Sampling, Engine = _engine,
        };
        var drawing = new TrialsSettings
        {
            Fresh = fresh, Prompts = prompts, Pool = prompts, Measure = _recipe.Metric, Seed = seed, Sampling = _recipe.Sampling, Engine = _engine,
        };
        _units.Add(log, new("served-1", UnitSettings.Write(serving, new ServedSettings()), [_contents.Source, .. data.Inputs]));
        _units.Add(name, new("trials-1", UnitSettings.Write(drawing, new TrialsSettings()), [_contents.Source, log]));
    }

    private void Train(string name, DataSpec spec, ulong seed)
    {
        var (data, design) = (_contents.Data[spec], _contents.Design);
        var settings = new TwinSettings { Recipe = design.Recipe, Seed = seed, Data = data.Spec, OnBadImage = design.OnBadImage, Engine = _engine };
        _units.Add(name, new(TwinKind.KindName, UnitSettings.Write(settings, new TwinSettings()), [_contents.Base, .. data.Inputs]));
    }

    private void Build(string name, ModelPlan plan, string? source, string? log, DataSpec? prompts, DataSpec? real)
    {
        UnitData? asked = prompts is null ? null : _contents.Data[prompts], taken = real is null ? null : _contents.Data[real];
        var settings = new ModelSettings
        {
            Plan = plan,
            Sampling = source is null ? new ModelSettings().Sampling : _recipe.Sampling with { Guidance = plan.SourceGuidance ?? _recipe.Sampling.Guidance },
            Prompts = asked?.Spec, Real = taken?.Spec,
            Engine = _engine,
        };
        string[] inputs = [_contents.Base, .. new[] { source, log }.OfType<string>(), .. asked?.Inputs ?? [], .. taken?.Inputs ?? []];
        _units.Add(name, new("model-1", UnitSettings.Write(settings, new ModelSettings()), inputs));
    }

    private void Ask(string group, int number, string model, string trials, bool swap)
    {
        string distances = $"distances of {model}", scores = $"swap of {model}";
        var ranked = new DistancesSettings { Measure = _recipe.Metric, Seed = _seed, Sampling = _recipe.Sampling, Engine = _engine };
        _units.Add(distances, new("distances-1", UnitSettings.Write(ranked, new DistancesSettings()), [trials, model]));
        if (swap)
        {
            var swapped = new SwapSettings
            {
                Prompts = _recipe.SwapPrompts, Answers = _recipe.SwapAnswers, Measure = _recipe.Metric, Seed = _seed, Sampling = _recipe.Sampling, Engine = _engine,
            };
            _units.Add(scores, new("swap-1", UnitSettings.Write(swapped, new SwapSettings()), [_contents.Twins, model]));
        }
        _cases.Add((group, number, distances, swap ? scores : null));
    }

    private static string SourceOf(CalibrationFamily family) => $"source of {family.Name}";

    private static string LogOf(string trials) => $"log of {trials}";

    private static string TrialsOf(CalibrationGuilty group, int log) => $"trials {log + 1} of {group.Name}";
}
