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

    public required IReadOnlyList<(Innocent Member, string Content)> Innocents { get; init; }

    /// <summary>Every data set of the recipe.</summary>
    public required IReadOnlyDictionary<DataSpec, UnitData> Data { get; init; }
}

/// <summary>
/// The demo as units: keys, the scored innocents, and of each suspect the model and the judgement, in this order, which is that of the plan's results.
/// </summary>
public static class DemoPlan
{
    private const string Keys = "keys", Innocents = "innocents";

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
            [Keys] = KeysUnit(recipe, seed, contents, engine), [Innocents] = InnocentsUnit(recipe, seed, contents, engine),
        };
        foreach (var s in recipe.Suspects) units.Add($"model of {s.Name}", ModelUnit(recipe, s, seed, contents, engine));
        foreach (var s in recipe.Suspects)
        {
            var settings = new AttributeSettings { Suspect = s.Name, Alpha = recipe.Alpha, Seed = seed, Sampling = recipe.Sampling, Engine = engine };
            units.Add(
                $"result of {s.Name}",
                new("attribute-2", UnitSettings.Write(settings, new AttributeSettings()), [Keys, Innocents, $"model of {s.Name}"]));
        }
        return new UnitPlan { Units = units, Results = [.. units.Keys] };
    }

    private static PlannedUnit KeysUnit(DemoRecipe recipe, ulong seed, DemoContents contents, UnitEngine? engine)
    {
        var sel = contents.Innocents.Where(i => i.Member.Split == InnocentSplit.Sel).ToArray();
        var data = contents.Data[recipe.SourceData];
        var settings = new KeysSettings
        {
            Data = data.Spec,
            Selection = recipe.Keys with { Seed = seed },
            Metric = recipe.Metric,
            Sampling = recipe.Sampling,
            Innocents = [.. sel.Select(i => i.Member.Identity)],
            Engine = engine,
        };
        return new("keys-1", UnitSettings.Write(settings, new KeysSettings()), [contents.Source, .. sel.Select(i => i.Content), .. data.Inputs]);
    }

    private static PlannedUnit InnocentsUnit(DemoRecipe recipe, ulong seed, DemoContents contents, UnitEngine? engine)
    {
        var scored = contents.Innocents.Where(i => i.Member.Split != InnocentSplit.Sel).ToArray();
        var settings = new InnocentsSettings
        {
            Innocents = [.. scored.Select(i => new ScoredInnocent(i.Member.Name, i.Member.Family, i.Member.Split, i.Member.Identity))],
            Seed = seed,
            Sampling = recipe.Sampling,
            Engine = engine,
        };
        return new("innocents-1", UnitSettings.Write(settings, new InnocentsSettings()), [Keys, .. scored.Select(i => i.Content)]);
    }

    private static PlannedUnit ModelUnit(DemoRecipe recipe, DemoSuspectRecipe suspect, ulong seed, DemoContents contents, UnitEngine? engine)
    {
        bool generated = suspect.Rho > 0;
        var prompts = generated ? contents.Data[recipe.SourceData] : null;
        var real = suspect.Real is { } set ? contents.Data[set] : null;
        var settings = new ModelSettings
        {
            Plan = new ModelPlan
            {
                Name = suspect.Name,
                Rho = suspect.Rho,
                Count = suspect.Count,
                Regime = suspect.Regime,
                RealFamily = suspect.Family,
                // Suspects of one run must not share prompts, pictures or noise just because they share its seed.
                Seed = Philox.Stream($"suspect/{suspect.Name}", seed),
                Training = recipe.Training,
            },
            Sampling = generated ? recipe.Sampling : new ModelSettings().Sampling,
            Prompts = prompts?.Spec,
            Real = real?.Spec,
            WithKeys = true,
            Engine = engine,
        };
        return new(
            "model-1", UnitSettings.Write(settings, new ModelSettings()),
            [contents.Base, .. generated ? [contents.Source] : Array.Empty<string>(), Keys, .. prompts?.Inputs ?? [], .. real?.Inputs ?? []]);
    }
}
