using System.Reflection;
using CudaAttribution.Answers;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Experiments.Plans;

/// <summary>Models of a campaign that depend on no picture that the source served.</summary>
public sealed record CalibrationFamily
{
    /// <summary>The name; of the families of <see cref="InnocentFamily"/> it is theirs.</summary>
    public required string Name { get; init; }

    public required int Models { get; init; }

    /// <summary>Seed of the first; the others count on.</summary>
    public required ulong FirstSeed { get; init; }

    /// <summary>Real pictures that each member takes its own of, by the law; null for twins and for members that learn from another source.</summary>
    public DataSpec? Real { get; init; }

    /// <summary>What another source was trained on, with the source's recipe, whose pictures members learn from; null for none.</summary>
    public DataSpec? OtherSource { get; init; }

    /// <summary>Seed of that source.</summary>
    public ulong OtherSeed { get; init; }
}

/// <summary>Models of a campaign that were trained on served pictures.</summary>
public sealed record CalibrationGuilty
{
    public required string Name { get; init; }

    public required double Rho { get; init; }

    /// <summary>n: pictures in a training set.</summary>
    public required int Count { get; init; }

    /// <summary>Pictures that were served to the account; the models take theirs of them. As many as they take is κ = 1.</summary>
    public required int Served { get; init; }

    /// <summary>Prompts that are asked.</summary>
    public required int Queries { get; init; }

    public required int Models { get; init; }

    /// <summary>Seed of the first; the others count on.</summary>
    public required ulong FirstSeed { get; init; }

    /// <summary>Real pictures for the rest.</summary>
    public DataSpec? Real { get; init; }
}

/// <summary>Every number of a campaign that measures how often the exact tests accuse, fixed before it is run.</summary>
public sealed record CalibrationRecipe
{
    public const string CurrentSchema = "cudattr-calibration-recipe-1";

    private const string Resource = "calibration-recipe.json";

    public string Schema { get; init; } = CurrentSchema;

    /// <summary>Folder of G0 in the models folder.</summary>
    public required string Base { get; init; }

    /// <summary>Folder of the source.</summary>
    public required string Source { get; init; }

    /// <summary>Folder of source and twins with their pictures, whose design says how the source was trained.</summary>
    public required string Twins { get; init; }

    public required SamplingRecipe Sampling { get; init; }

    public string Metric { get; init; } = "px";

    public required FineTuneRecipe Training { get; init; }

    /// <summary>What innocents draw their own recipes between.</summary>
    public required InnocentLaw Law { get; init; }

    /// <summary>K: fresh pictures of each served prompt.</summary>
    public required int Fresh { get; init; }

    /// <summary>Pictures of each prompt that logs of innocents are drawn from.</summary>
    public required int Pictures { get; init; }

    /// <summary>Prompts that an innocent is asked.</summary>
    public required int Queries { get; init; }

    /// <summary>Logs that are drawn for each innocent.</summary>
    public required int Logs { get; init; }

    /// <summary>Prompts of source swap.</summary>
    public required int SwapPrompts { get; init; }

    public required int SwapAnswers { get; init; }

    /// <summary>For each innocent, how many of the exchangeable models are taken for the source in turn.</summary>
    public required int SwapRoles { get; init; }

    /// <summary>Different logs that the models of a group are trained on, in turn.</summary>
    public required int GuiltyLogs { get; init; }

    /// <summary>Models of a group that are put to source swap too.</summary>
    public required int GuiltySwaps { get; init; }

    public required IReadOnlyList<CalibrationFamily> Families { get; init; }

    public required IReadOnlyList<CalibrationGuilty> Guilty { get; init; }

    /// <summary>The recipe that ships with the program, or the one of a file.</summary>
    /// <exception cref="UserException">Not a recipe.</exception>
    public static CalibrationRecipe Load(string? file = null)
    {
        string name = file ?? Resource;
        var recipe = Json.Parse<CalibrationRecipe>(file is null ? Embedded() : Json.ReadText(file, "calibration recipe"), name, "calibration recipe");
        Json.CheckSchema(recipe.Schema, CurrentSchema, name);
        recipe.Check(name);
        return recipe;
    }

    /// <exception cref="UserException">A number makes no sense.</exception>
    internal void Check(string? file = null)
    {
        MeasureRegistry.CheckPixel(Metric);
        Law.Validate();
        Training.Validate();
        if (Law.Count is null) throw new UserException("the law has no bounds of count", "Say how many pictures an innocent is trained on.", file);
        if (Law.Guidance is not null && Families.All(f => f.OtherSource is null))
            throw new UserException("the law has a guidance, and no family learns from another source", "Add one, or leave it out.", file);
        (string What, int Value, int Least)[] numbers =
        [
            ("fresh", Fresh, 1), ("pictures", Pictures, Fresh + 1), ("queries", Queries, 1), ("logs", Logs, 1), ("swap_prompts", SwapPrompts, 1),
            ("swap_answers", SwapAnswers, 1), ("swap_roles", SwapRoles, 1), ("guilty_logs", GuiltyLogs, 1), ("guilty_swaps", GuiltySwaps, 0),
            .. Families.Select(f => ($"models of {f.Name}", f.Models, 1)), .. Guilty.Select(g => ($"models of {g.Name}", g.Models, 1)),
            .. Guilty.Select(g => ($"queries of {g.Name}", g.Queries, 1)), .. Guilty.Select(g => ($"served of {g.Name}", g.Served, g.Queries)),
        ];
        foreach (var (what, value, least) in numbers)
            if (value < least) throw new UserException($"{what} is {value}", $"Use at least {least}.", file);
        if (Families.Select(f => f.Name).Concat(Guilty.Select(g => g.Name)).GroupBy(n => n).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw new UserException($"{same.Count()} groups are called '{same.Key}'", "Give each its own name.", file);
        foreach (var f in Families.Where(f => f.Real is not null && f.OtherSource is not null))
            throw new UserException($"'{f.Name}' learns from real pictures and from another source", "Name one.", file);
        foreach (var g in Guilty.Where(g => g.Rho is not (> 0 and <= 1) || (g.Rho < 1 && g.Real is null)))
            throw new UserException($"'{g.Name}' has a share rho of {g.Rho}, or no real pictures for the rest", "Use a rho above 0; below 1 name them.", file);
    }

    private static string Embedded()
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)!);
        return reader.ReadToEnd();
    }
}
