using System.Reflection;
using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Served;

namespace CudaAttribution.Experiments.Plans;

/// <summary>One suspect of the demo.</summary>
public sealed record DemoSuspectRecipe
{
    public required string Name { get; init; }

    public required double Rho { get; init; }

    /// <summary>n: pictures in its training set.</summary>
    public required int Count { get; init; }

    /// <summary>Whose served pictures it was trained on; null for ρ = 0.</summary>
    public string? Account { get; init; }

    /// <summary>Family of its real pictures; null for ρ = 1.</summary>
    public InnocentFamily? Family { get; init; }

    /// <summary>Where its real pictures are drawn from; null for ρ = 1.</summary>
    public DataSpec? Real { get; init; }

    /// <summary>How it is trained; null is the recipe's own way.</summary>
    public FineTuneRecipe? Training { get; init; }
}

/// <summary>The audit of the demo's suspects.</summary>
/// <param name="Alpha">The level.</param>
/// <param name="Fresh">K: fresh pictures of each served prompt.</param>
/// <param name="Prompts">Served prompts of each account that are asked.</param>
/// <param name="SwapPrompts">Prompts of source and twins that are asked.</param>
/// <param name="SwapAnswers">Answers to each of them.</param>
public sealed record DemoAuditRecipe(double Alpha, int Fresh, int Prompts, int SwapPrompts, int SwapAnswers);

/// <summary>
/// Every number of the demo experiment in one file, fixed before it is run: which models, which pictures, who is served, how suspects are trained and
/// audited. What the verdicts are is nowhere in it.
/// </summary>
public sealed record DemoRecipe
{
    public const string CurrentSchema = "cudattr-demo-recipe-2";

    private const string Resource = "demo-recipe.json";

    public string Schema { get; init; } = CurrentSchema;

    /// <summary>Folder of G0 in the models folder.</summary>
    public required string Base { get; init; }

    /// <summary>Folder of the source in the models folder.</summary>
    public required string Source { get; init; }

    /// <summary>Folder of source and twins, with their pictures, in the models folder.</summary>
    public required string Twins { get; init; }

    /// <summary>What the source was fine-tuned on; its captions are what accounts ask.</summary>
    public required DataSpec SourceData { get; init; }

    public required SamplingRecipe Sampling { get; init; }

    /// <summary>Whom the source serves before it is stolen from.</summary>
    public required IReadOnlyList<ServedAccount> Accounts { get; init; }

    public required DemoAuditRecipe Audit { get; init; }

    /// <summary>Rules of key selection, for the published method; the seed is the run's.</summary>
    public required KeySelectionOptions Keys { get; init; }

    public required string Metric { get; init; }

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
            if (s.Rho > 0 && recipe.Accounts.All(a => a.Name != s.Account))
                throw new UserException($"the suspect '{s.Name}' has served pictures but names no account that was served", "Correct the recipe.", name);
        }
        return recipe;
    }

    private static string Embedded()
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)!);
        return reader.ReadToEnd();
    }
}
