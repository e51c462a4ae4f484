using CudaAttribution.Answers;
using CudaAttribution.Experiments.Units;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;

namespace CudaAttribution.Experiments.Plans;

/// <summary>One model of the experiments.</summary>
/// <param name="Source">The source that it is tested against.</param>
/// <param name="Role">Suspect, innocent or shadow.</param>
/// <param name="Rho">ρ; 0 is an innocent one.</param>
/// <param name="Regime">Where its prompts come from.</param>
/// <param name="Family">Of an innocent test model.</param>
/// <param name="Name">Its name.</param>
/// <param name="Model">Id of the unit that trains it.</param>
/// <param name="Examined">Id of the unit that asks it.</param>
public sealed record PaperCase(
    PaperSource Source, ModelRole Role, double Rho, PromptRegime Regime, InnocentFamily? Family, string Name, string Model, string Examined);

/// <summary>The units of the experiments: sources, their keys by three strategies, test models, shadows, and what each answers.</summary>
public sealed class PaperPlan
{
    private readonly Dictionary<string, PlannedUnit> _units = [];
    private readonly List<PaperCase> _cases = [];
    private readonly PaperRecipe _recipe;
    private readonly UnitEngine? _engine;
    private readonly ulong _seed;
    private readonly string _base;
    private readonly IReadOnlyDictionary<DataSpec, UnitData> _data;

    /// <param name="recipe">Its numbers.</param>
    /// <param name="seed">Its seed.</param>
    /// <param name="store">Gets the base model, and data that are not the program's own.</param>
    /// <param name="models">The models folder.</param>
    /// <param name="engine">What computes it.</param>
    /// <exception cref="UserException">Something that the recipe names is missing.</exception>
    public PaperPlan(PaperRecipe recipe, ulong seed, UnitStore store, string models, UnitEngine? engine)
    {
        (_recipe, _seed, _engine) = (recipe, seed, engine);
        string path = Path.Combine(models, recipe.Base);
        if (!Directory.Exists(path))
            throw new UserException($"the models folder has no '{recipe.Base}'", "Name the folder of the shipped models, or a recipe that fits yours.", models);
        _base = store.Import(LocalModel.ModelFolder(path));
        _data = recipe.Sources.SelectMany(s => new[] { s.Data, s.Same }).Append(recipe.Other).Append(recipe.Shadows.Other).Distinct()
            .ToDictionary(d => d, d => UnitData.Import(store, d, models));
        foreach (var source in recipe.Sources) Add(source);
        string[] keys = [.. recipe.Sources.SelectMany(s => Strategies.Select(k => KeysOf(s, k)))];
        Graph = new UnitPlan { Units = _units, Results = [.. keys, .. _cases.SelectMany(c => new[] { c.Model, c.Examined })] }.Resolve();
        var ids = new Queue<string>(Graph.Results);
        KeySets = keys.ToDictionary(k => k, _ => ids.Dequeue());
        Cases = [.. _cases.Select(c => c with { Model = ids.Dequeue(), Examined = ids.Dequeue() })];
    }

    /// <summary>The strategies, in the order in which every model is asked their keys.</summary>
    public static IReadOnlyList<KeyStrategy> Strategies { get; } = [KeyStrategy.Generate, KeyStrategy.Detect, KeyStrategy.Random];

    public UnitGraph Graph { get; }

    /// <summary>All models, source by source.</summary>
    public IReadOnlyList<PaperCase> Cases { get; }

    private Dictionary<string, string> KeySets { get; }

    /// <summary>Id of the unit that selected the keys of a source.</summary>
    public string Keys(PaperSource source, KeyStrategy strategy) => KeySets[KeysOf(source, strategy)];

    private void Add(PaperSource source)
    {
        Train(source.Name, source.Data, source.Seed);
        foreach (var strategy in Strategies)
        {
            var selecting = new KeysSettings
            {
                Data = _data[source.Data].Spec, Selection = _recipe.Keys with { Strategy = strategy, Seed = Seed(source, "keys") }, Metric = _recipe.Metric,
                Sampling = _recipe.Sampling, Source = source.Name, Engine = _engine,
            };
            _units.Add(
                KeysOf(source, strategy), new("keys-1", UnitSettings.Write(selecting, new KeysSettings()), [source.Name, .. _data[source.Data].Inputs]));
        }
        var drawing = new BaselineSettings
        {
            Draws = _recipe.Shadows.BaselineDraws, Seed = Seed(source, "baseline"), Sampling = _recipe.Sampling, Engine = _engine,
        };
        _units.Add(
            BaselineOf(source),
            new(BaselineKind.KindName, UnitSettings.Write(drawing, new BaselineSettings()), [_base, KeysOf(source, KeyStrategy.Generate)]));

        foreach (var regime in _recipe.Regimes)
            foreach (double rho in _recipe.Rhos)
                for (int i = 0; i < _recipe.Models; i++)
                    Infringing(source, rho, regime, FormattableString.Invariant($"{regime} {rho} {i + 1}").ToLowerInvariant());
        foreach (var family in _recipe.Families)
            for (int i = 0; i < family.Models; i++) Innocent(source, family.Family, $"{family.Family.Name()} {i + 1}");
        foreach (var plan in _recipe.ShadowModels.Plans(name => Seed(source, name)))
            Build(source, plan, plan.Rho > 0 ? source.Name : null, plan.Rho < 1 ? _recipe.Shadows.Other : null);
    }

    private void Infringing(PaperSource source, double rho, PromptRegime regime, string name)
    {
        var plan = new ModelPlan
        {
            Name = name, Rho = rho, Count = _recipe.Count, Regime = regime, RealFamily = rho < 1 ? InnocentFamily.RealOther : null,
            Seed = Seed(source, name), Training = _recipe.Training,
        };
        Build(source, plan, source.Name, rho < 1 ? _recipe.Other : null);
    }

    private void Innocent(PaperSource source, InnocentFamily family, string name)
    {
        if (family == InnocentFamily.Twin)
        {
            Train($"{source.Name}: {name}", source.Data, Seed(source, name));
            Ask(new(source, ModelRole.Innocent, 0, PromptRegime.Natural, family, name, $"{source.Name}: {name}", ""));
            return;
        }
        string sibling = $"sibling of {source.Name}";
        if (family == InnocentFamily.Sibling && !_units.ContainsKey(sibling)) Train(sibling, source.Data, Seed(source, sibling));
        var real = family switch
        {
            InnocentFamily.RealOwn => source.Data,
            InnocentFamily.RealSame => source.Same,
            InnocentFamily.RealOther => _recipe.Other,
            _ => null,
        };
        var plan = new ModelPlan
        {
            Name = name, Role = ModelRole.Innocent, Rho = real is null ? 1 : 0, Count = Math.Min(_recipe.Count, real?.Count ?? _recipe.Count), RealFamily = family,
            Seed = Seed(source, name), Training = _recipe.Training,
        };
        Build(source, plan, real is null ? sibling : null, real);
    }

    private void Train(string name, DataSpec spec, ulong seed)
    {
        var settings = new TwinSettings { Recipe = _recipe.SourceTraining, Seed = seed, Data = _data[spec].Spec, Engine = _engine };
        _units.Add(name, new(TwinKind.KindName, UnitSettings.Write(settings, new TwinSettings()), [_base, .. _data[spec].Inputs]));
    }

    private void Build(PaperSource source, ModelPlan plan, string? generator, DataSpec? real)
    {
        string unit = $"{source.Name}: {plan.Name}";
        var (prompts, taken) = (generator is null ? null : _data[source.Data], real is null ? null : _data[real]);
        // An innocent is fitted to no keys, and a shadow records no overlap: both are known before the keys are.
        string[] keys = plan.Role == ModelRole.Suspect ? [.. Strategies.Select(k => KeysOf(source, k))] : [];
        var settings = new ModelSettings
        {
            Plan = plan, Sampling = generator is null ? new ModelSettings().Sampling : _recipe.Sampling, Prompts = prompts?.Spec, Real = taken?.Spec,
            KeySets = keys.Length, Engine = _engine,
        };
        string[] inputs = [_base, .. generator is null ? Array.Empty<string>() : [generator], .. keys, .. prompts?.Inputs ?? [], .. taken?.Inputs ?? []];
        _units.Add(unit, new("model-1", UnitSettings.Write(settings, new ModelSettings()), inputs));
        Ask(new(source, plan.Role, plan.Role == ModelRole.Innocent ? 0 : plan.Rho, plan.Regime, plan.Role == ModelRole.Innocent ? plan.RealFamily : null, plan.Name, unit, ""));
    }

    private void Ask(PaperCase one)
    {
        string[] keys = one.Role == ModelRole.Shadow ? [KeysOf(one.Source, KeyStrategy.Generate)] : [.. Strategies.Select(k => KeysOf(one.Source, k))];
        var settings = new ExamineSettings
        {
            KeySets = keys.Length, Features = _recipe.Shadows.Measure, Draws = _recipe.Shadows.Draws, Seed = _seed, Sampling = _recipe.Sampling, Engine = _engine,
        };
        string unit = $"answers of {one.Model}";
        _units.Add(
            unit, new(ExamineKind.KindName, UnitSettings.Write(settings, new ExamineSettings()), [one.Model, .. keys, BaselineOf(one.Source)]));
        _cases.Add(one with { Examined = unit });
    }

    /// <summary>Models must not share pictures or noise because they share a run's seed.</summary>
    private ulong Seed(PaperSource source, string name) => Philox.Stream($"{source.Name}/{name}", _seed);

    private static string KeysOf(PaperSource source, KeyStrategy strategy) => $"keys of {source.Name}, {strategy}".ToLowerInvariant();

    private static string BaselineOf(PaperSource source) => $"baseline of {source.Name}";
}
