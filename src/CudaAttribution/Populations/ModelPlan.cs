using System.Text.Json.Serialization;
using CudaAttribution.Runs;

namespace CudaAttribution.Populations;

/// <summary>A model to build (docs/method.md "Setting"): <c>round(n·ρ)</c> pictures made by the source with fresh noise, the rest real.</summary>
public sealed record ModelPlan
{
    public required string Name { get; init; }

    /// <summary>What it is for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ModelRole Role { get; init; }

    /// <summary>ρ: share of the training set that the source generates, 0 to 1.</summary>
    public required double Rho { get; init; }

    /// <summary>n: pictures in the training set.</summary>
    public required int Count { get; init; }

    public PromptRegime Regime { get; init; } = PromptRegime.Natural;

    /// <summary>Family of an innocent; else what the real pictures are to the source, null where there are none.</summary>
    public InnocentFamily? RealFamily { get; init; }

    /// <summary>Whose pictures of a served log the generated ones are; null has the source make new ones.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Account { get; init; }

    public ulong Seed { get; init; }

    /// <summary>Guidance that the source makes its pictures with, where the plan and not only the source's opener says so.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? SourceGuidance { get; init; }

    public FineTuneRecipe Training { get; init; } = new();

    /// <summary>round(n·ρ), halves up.</summary>
    public int GeneratedCount => (int)Math.Round(Count * Rho, MidpointRounding.AwayFromZero);

    /// <exception cref="UserException">A number that makes no sense, or something that the role does not allow.</exception>
    public void Validate()
    {
        if (Rho is not (>= 0 and <= 1)) throw new UserException($"the share rho of '{Name}' is {Rho}", "Use a number from 0 to 1.");
        if (Count < 1) throw new UserException($"the training set of '{Name}' has {Count} pictures", "Use at least one.");
        if (Regime == PromptRegime.Unknown) throw new UserException(
            $"the prompt regime of '{Name}' is unknown", "Use natural, forced or disjoint.");
        if (Account is not null && (GeneratedCount == 0 || Regime != PromptRegime.Natural))
            throw new UserException(
                $"'{Name}' takes pictures that were served to '{Account}', but has none, or a regime",
                "Use a rho above 0 and the regime natural: the account decided what was asked.");
        if (SourceGuidance is not null && GeneratedCount == 0)
            throw new UserException($"'{Name}' names the guidance of a source that it has no pictures of", "Leave it out, or use a rho above 0.");
        if (Against() is var (problem, remedy))
            throw new UserException($"the {Role.ToString().ToLowerInvariant()} '{Name}' {problem}", remedy);
    }

    private (string Problem, string Remedy)? Against() => Role switch
    {
        ModelRole.Suspect or ModelRole.Shadow => null,
        ModelRole.Source or ModelRole.Twin =>
            Rho > 0 ? ($"has a share rho of {Rho}", "It is trained on real pictures only: use 0.")
            : RealFamily is not null ? ("names a family", "Leave it out: a family says what the pictures of others are to the source.")
            : Natural,
        ModelRole.Innocent => RealFamily switch
        {
            null => ("names no family", "Say what it is trained on."),
            InnocentFamily.Untouched => ("is untouched", "Use the base model: there is nothing to build."),
            InnocentFamily.Sibling when Rho < 1 => ($"is a sibling and has a share rho of {Rho}", "All its pictures are the sibling source's: use 1."),
            not InnocentFamily.Sibling when Rho > 0 => ($"is no sibling and has a share rho of {Rho}", "It is trained on real pictures only: use 0."),
            _ => Natural,
        },
        _ => throw new ArgumentOutOfRangeException(nameof(Role), Role, "unknown role"),
    };

    private (string Problem, string Remedy)? Natural => Regime == PromptRegime.Natural
        ? null
        : ($"has prompts of the regime {Regime.ToString().ToLowerInvariant()}", "Only suspects and shadows are fitted to the keys: use natural.");
}
