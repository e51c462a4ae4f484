using CudaAttribution.Experiments.Units;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tensors;

namespace CudaAttribution.Experiments.Plans;

/// <summary>What the demo is made from, by what a store calls it.</summary>
public sealed record DemoContents
{
    public required string Base { get; init; }

    public required string Source { get; init; }

    /// <summary>Every data set of the recipe.</summary>
    public required IReadOnlyDictionary<DataSpec, UnitData> Data { get; init; }
}

/// <summary>
/// What the demo builds, as units: the served log, the keys, and of each suspect the model and what the published method says of it, in this order,
/// which is that of the plan's results. The audit is none: it is a chain of answers, which is begun once and goes on by itself.
/// </summary>
public static class DemoPlan
{
    private const string Log = "log", Keys = "keys";

    /// <summary>Plans a run.</summary>
    /// <param name="recipe">Its numbers.</param>
    /// <param name="seed">Its seed.</param>
    /// <param name="contents">What it is made from.</param>
    /// <param name="engine">What computes it.</param>
    /// <exception cref="UserException">Two suspects share a name.</exception>
    public static UnitPlan Of(DemoRecipe recipe, ulong seed, DemoContents contents, UnitEngine? engine)
    {
        if (recipe.Suspects.GroupBy(s => s.Name).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw new UserException($"{same.Count()} suspects are called '{same.Key}'", "Give each its own name.");
        var units = new Dictionary<string, PlannedUnit>
        {
            [Log] = LogUnit(recipe, seed, contents, engine), [Keys] = KeysUnit(recipe, seed, contents, engine),
        };
        foreach (var s in recipe.Suspects) units.Add($"model of {s.Name}", ModelUnit(recipe, s, seed, contents, engine));
        foreach (var s in recipe.Suspects)
        {
            var settings = new AttributeSettings { Suspect = s.Name, Alpha = recipe.Audit.Alpha, Seed = seed, Sampling = recipe.Sampling, Engine = engine };
            units.Add($"indications of {s.Name}", new("attribute-2", UnitSettings.Write(settings, new AttributeSettings()), [Keys, $"model of {s.Name}"]));
        }
        return new UnitPlan { Units = units, Results = [.. units.Keys] };
    }

    private static PlannedUnit LogUnit(DemoRecipe recipe, ulong seed, DemoContents contents, UnitEngine? engine)
    {
        var data = contents.Data[recipe.SourceData];
        var settings = new ServedSettings { Accounts = recipe.Accounts, Prompts = data.Spec, Seed = seed, Sampling = recipe.Sampling, Engine = engine };
        return new("served-1", UnitSettings.Write(settings, new ServedSettings()), [contents.Source, .. data.Inputs]);
    }

    private static PlannedUnit KeysUnit(DemoRecipe recipe, ulong seed, DemoContents contents, UnitEngine? engine)
    {
        var data = contents.Data[recipe.SourceData];
        var settings = new KeysSettings
        {
            Data = data.Spec, Selection = recipe.Keys with { Seed = seed }, Metric = recipe.Metric, Sampling = recipe.Sampling, Engine = engine,
        };
        return new("keys-1", UnitSettings.Write(settings, new KeysSettings()), [contents.Source, .. data.Inputs]);
    }

    private static PlannedUnit ModelUnit(DemoRecipe recipe, DemoSuspectRecipe suspect, ulong seed, DemoContents contents, UnitEngine? engine)
    {
        bool generated = suspect.Rho > 0;
        var real = suspect.Real is { } set ? contents.Data[set] : null;
        var settings = new ModelSettings
        {
            Plan = new ModelPlan
            {
                Name = suspect.Name,
                Rho = suspect.Rho,
                Count = suspect.Count,
                Account = suspect.Account,
                RealFamily = suspect.Family,
                // Suspects of one run must not share pictures or noise just because they share its seed.
                Seed = Philox.Stream($"suspect/{suspect.Name}", seed),
                Training = suspect.Training ?? recipe.Training,
            },
            Sampling = generated ? recipe.Sampling : new ModelSettings().Sampling,
            Real = real?.Spec,
            KeySets = 1,
            Engine = engine,
        };
        return new(
            "model-1", UnitSettings.Write(settings, new ModelSettings()),
            [contents.Base, .. generated ? [contents.Source, Log] : Array.Empty<string>(), Keys, .. real?.Inputs ?? []]);
    }
}
