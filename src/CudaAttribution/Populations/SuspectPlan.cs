using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Keys;
using CudaAttribution.Runs;

namespace CudaAttribution.Populations;

/// <summary>Names of the files in a folder that a suspect or innocent is built in.</summary>
public static class SuspectFiles
{
    /// <summary>What was asked for; written first.</summary>
    public const string Plan = "plan.json";

    /// <summary>The training pictures with their captions.</summary>
    public const string Training = "training";

    public const string Model = LocalModel.FolderName;

    public const string Losses = "losses.csv";

    /// <summary>What was built; written last, so that it marks a finished suspect.</summary>
    public const string Record = "suspect.json";
}

/// <summary>A suspect to build (docs/method.md "Setting"): <c>round(n·ρ)</c> pictures made by the source with fresh noise, the rest real.</summary>
public sealed record SuspectPlan
{
    public required string Name { get; init; }

    /// <summary>ρ: share of the training set that the source generates, 0 to 1.</summary>
    public required double Rho { get; init; }

    /// <summary>n: pictures in the training set.</summary>
    public required int Count { get; init; }

    public PromptRegime Regime { get; init; } = PromptRegime.Natural;

    /// <summary>Family of the real pictures; null where there are none.</summary>
    public InnocentFamily? RealFamily { get; init; }

    public ulong Seed { get; init; }

    public FineTuneRecipe Training { get; init; } = new();

    /// <summary>round(n·ρ), halves up.</summary>
    public int GeneratedCount => (int)Math.Round(Count * Rho, MidpointRounding.AwayFromZero);

    /// <exception cref="UserException">A number that makes no sense.</exception>
    public void Validate()
    {
        if (Rho is not (>= 0 and <= 1)) throw new UserException($"the share rho of '{Name}' is {Rho}", "Use a number from 0 to 1.");
        if (Count < 1) throw new UserException($"the training set of '{Name}' has {Count} pictures", "Use at least one.");
        if (Regime == PromptRegime.Unknown) throw new UserException(
            $"the prompt regime of '{Name}' is unknown", "Use natural, forced or disjoint.");
    }
}

/// <summary>What a suspect is built from besides the base model.</summary>
public sealed record SuspectInputs
{
    /// <summary>The model that generates; null for ρ = 0.</summary>
    public IImageModel? Source { get; init; }

    /// <summary>Prompts the adversary draws from.</summary>
    public IReadOnlyList<string> PromptPool { get; init; } = [];

    /// <summary>Real pictures; null for ρ = 1.</summary>
    public CaptionedDataset? Real { get; init; }

    /// <summary>The keys; needed by the regimes forced and disjoint, and then κ is recorded.</summary>
    public KeySet? Keys { get; init; }
}
