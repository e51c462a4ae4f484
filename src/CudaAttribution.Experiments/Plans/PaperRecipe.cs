using System.Reflection;
using System.Text.Json.Serialization;
using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Shadows;

namespace CudaAttribution.Experiments.Plans;

/// <summary>A source of the paper's experiments.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Data">What it is trained on.</param>
/// <param name="Same">Real pictures of the same kind that it never saw.</param>
/// <param name="Seed">Its seed.</param>
public sealed record PaperSource(string Name, DataSpec Data, DataSpec Same, ulong Seed);

/// <summary>Innocent test models of one family.</summary>
/// <param name="Family">What they are trained on.</param>
/// <param name="Models">How many of each source.</param>
public sealed record PaperFamily(InnocentFamily Family, int Models);

/// <summary>The shadow models of each source; none shares a seed, a generated picture or, of the innocent ones, a real picture with a test model.</summary>
/// <param name="Each">s: how many innocent, and how many infringing.</param>
/// <param name="Rhos">Shares ρ of the infringing ones, in turn.</param>
/// <param name="Other">Their real pictures.</param>
/// <param name="Measure">Copy measure of the features.</param>
/// <param name="Draws">Answers to each key.</param>
/// <param name="BaselineDraws">Pictures of each key prompt by the base model.</param>
public sealed record PaperShadows(int Each, IReadOnlyList<double> Rhos, DataSpec Other, string Measure, int Draws, int BaselineDraws);

/// <summary>Every number of the experiments of Zhang et al. (2024) in a world of small models, fixed before any of it is trained.</summary>
public sealed record PaperRecipe
{
    public const string CurrentSchema = "cudattr-paper-recipe-1";

    /// <summary>The recipes that ship, the smallest first.</summary>
    public static IReadOnlyList<string> Budgets { get; } = ["quick", "paper"];

    public string Schema { get; init; } = CurrentSchema;

    /// <summary>Folder of G0 in the models folder.</summary>
    public required string Base { get; init; }

    public required IReadOnlyList<PaperSource> Sources { get; init; }

    /// <summary>How sources, and their twins and siblings, are trained.</summary>
    public required FineTuneRecipe SourceTraining { get; init; }

    public required SamplingRecipe Sampling { get; init; }

    public string Metric { get; init; } = "px";

    /// <summary>Rules of all three strategies; strategy and seed are the plan's.</summary>
    public required KeySelectionOptions Keys { get; init; }

    /// <summary>How test models and shadows are trained.</summary>
    public required FineTuneRecipe Training { get; init; }

    /// <summary>n: pictures in a training set.</summary>
    public required int Count { get; init; }

    /// <summary>Shares ρ of the infringing test models.</summary>
    public required IReadOnlyList<double> Rhos { get; init; }

    /// <summary>Where their prompts come from.</summary>
    public required IReadOnlyList<PromptRegime> Regimes { get; init; }

    /// <summary>Infringing test models of each source, ρ and regime.</summary>
    public required int Models { get; init; }

    public required IReadOnlyList<PaperFamily> Families { get; init; }

    /// <summary>Real pictures of another kind: of innocents, and the rest of infringing models.</summary>
    public required DataSpec Other { get; init; }

    public required PaperShadows Shadows { get; init; }

    /// <summary>The shadow models of a source.</summary>
    [JsonIgnore]
    public ShadowModels ShadowModels => new(Shadows.Each, Shadows.Rhos, Count, Training);

    /// <summary>The recipe of a budget, or the one of a file.</summary>
    /// <param name="budget">One of <see cref="Budgets"/>.</param>
    /// <param name="file">A file; null for the one of the budget.</param>
    /// <exception cref="UserException">Not a recipe.</exception>
    public static PaperRecipe Load(string budget, string? file = null)
    {
        string name = file ?? $"paper-{budget}.json";
        var recipe = Json.Parse<PaperRecipe>(file is null ? Embedded(name) : Json.ReadText(file, "recipe of experiments"), name, "recipe of experiments");
        Json.CheckSchema(recipe.Schema, CurrentSchema, name);
        recipe.Check(name);
        return recipe;
    }

    private void Check(string file)
    {
        MeasureRegistry.CheckPixel(Metric);
        MeasureRegistry.CheckPixel(Shadows.Measure);
        Keys.Validate();
        SourceTraining.Validate();
        ShadowModels.Validate();
        (string What, int Value, int Least)[] numbers =
        [
            ("sources", Sources.Count, 1), ("count", Count, 1), ("models", Models, 1), ("rhos", Rhos.Count, 1), ("regimes", Regimes.Count, 1),
            ("draws of shadows", Shadows.Draws, 1),
            ("baseline draws of shadows", Shadows.BaselineDraws, 1), .. Families.Select(f => ($"models of {f.Family.Name()}", f.Models, 1)),
        ];
        foreach (var (what, value, least) in numbers)
            if (value < least) throw new UserException($"{what} is {value}", $"Use at least {least}.", file);
        if (Rhos.FirstOrDefault(r => r is not (> 0 and <= 1), 1) is var rho and not (> 0 and <= 1))
            throw new UserException($"an infringing model has a share rho of {rho}", "Use a number above 0, to 1: innocents are families.", file);
        if (Families.FirstOrDefault(f => f.Family == InnocentFamily.Untouched) is not null)
            throw new UserException("the family untouched has one member, the base model", "Leave it out: the baseline is drawn of it.", file);
        if (Families.GroupBy(f => f.Family).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new UserException($"the family {twice.Key.Name()} occurs {twice.Count()} times", "Name each once.", file);
        if (Sources.GroupBy(s => s.Name).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw new UserException($"{same.Count()} sources are called '{same.Key}'", "Give each its own name.", file);
        if (Regimes.Contains(PromptRegime.Unknown)) throw new UserException("a regime is unknown", "Use natural, forced or disjoint.", file);
        if (Regimes.Contains(PromptRegime.Forced) && Keys.Count * 3 > Rhos.Min() * Count)
            throw new UserException(
                $"the regime forced puts up to {Keys.Count * 3} key prompts of three strategies into {Rhos.Min() * Count} generated pictures",
                "Use fewer keys, a larger training set, or larger rhos.", file);
    }

    private static string Embedded(string name)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
