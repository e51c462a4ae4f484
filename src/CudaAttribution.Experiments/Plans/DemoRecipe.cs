using System.Reflection;
using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Experiments.Plans;

/// <summary>One suspect of the demo.</summary>
public sealed record DemoSuspectRecipe
{
    public required string Name { get; init; }

    public required double Rho { get; init; }

    /// <summary>n: pictures in its training set.</summary>
    public required int Count { get; init; }

    public PromptRegime Regime { get; init; } = PromptRegime.Natural;

    /// <summary>Family of its real pictures; null for ρ = 1.</summary>
    public InnocentFamily? Family { get; init; }

    /// <summary>Where its real pictures are drawn from; null for ρ = 1.</summary>
    public DataSpec? Real { get; init; }
}

/// <summary>
/// Every number of the demo experiment in one file, fixed before it is run: which models, which pictures, how keys are selected, how
/// suspects are trained. What the verdicts are is nowhere in it.
/// </summary>
public sealed record DemoRecipe
{
    public const string CurrentSchema = "cudattr-demo-recipe-1";

    private const string Resource = "demo-recipe.json";

    public string Schema { get; init; } = CurrentSchema;

    /// <summary>Folder of G0 in the models folder.</summary>
    public required string Base { get; init; }

    /// <summary>Folder of the source in the models folder.</summary>
    public required string Source { get; init; }

    /// <summary>Folder of the reference innocents in the models folder.</summary>
    public required string Innocents { get; init; }

    /// <summary>What the source was fine-tuned on.</summary>
    public required DataSpec SourceData { get; init; }

    public required SamplingRecipe Sampling { get; init; }

    /// <summary>Rules of key selection; the seed is the run's.</summary>
    public required KeySelectionOptions Keys { get; init; }

    public required string Metric { get; init; }

    public required double Alpha { get; init; }

    public required FineTuneRecipe Training { get; init; }

    public required IReadOnlyList<DemoSuspectRecipe> Suspects { get; init; }

    /// <summary>The recipe that ships with the program, or the one of a file.</summary>
    /// <exception cref="UserException">Not a recipe.</exception>
    public static DemoRecipe Load(string? file = null)
    {
        string name = file ?? Resource;
        var recipe = Json.Parse<DemoRecipe>(file is null ? Embedded() : Json.ReadText(file, "demo recipe"), name, "demo recipe");
        Json.CheckSchema(recipe.Schema, CurrentSchema, name);
        foreach (var s in recipe.Suspects)
        {
            if (s.Rho < 1 && (s.Real is null || s.Family is null))
                throw new UserException($"the suspect '{s.Name}' has real pictures but names no data or family", "Correct the recipe.", name);
        }
        return recipe;
    }

    private static string Embedded()
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)!);
        return reader.ReadToEnd();
    }
}
