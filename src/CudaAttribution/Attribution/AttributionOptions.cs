using CudaAttribution.Keys;

namespace CudaAttribution.Attribution;

/// <summary>Where the adversary's prompts came from, relative to the key prompts (methods 1.2).</summary>
public enum PromptRegime
{
    /// <summary>A random draw from the shared pool of captions.</summary>
    Natural,

    /// <summary>Every key prompt is among them (κ = 1).</summary>
    Forced,

    /// <summary>No key prompt is among them (κ = 0).</summary>
    Disjoint,

    /// <summary>Nothing is known, as with any real suspect.</summary>
    Unknown,
}

/// <summary>The prompt overlap of a suspect that the experimenter built; reported beside the figures, used by no test.</summary>
/// <param name="Regime">How the prompts were drawn.</param>
/// <param name="Kappa">κ: share of the key prompts that are among the suspect's training prompts; null where unknown.</param>
/// <param name="KappaGenerated">The same for the prompts whose pictures the source generated.</param>
public sealed record PromptOverlap(PromptRegime Regime, double? Kappa, double? KappaGenerated)
{
    public static PromptOverlap Unknown { get; } = new(PromptRegime.Unknown, null, null);

    /// <summary>The overlap of known training prompts with the keys of conf.</summary>
    public static PromptOverlap Of(
        PromptRegime regime, KeySet keys, IReadOnlyCollection<string> prompts, IReadOnlyCollection<string> generatedPrompts)
    {
        var keyPrompts = keys.Keys.Where(k => k.ForConfidence).Select(k => k.Prompt).ToArray();
        return new(regime, Share(prompts.ToHashSet()), Share(generatedPrompts.ToHashSet()));

        double Share(HashSet<string> trained) => (double)keyPrompts.Count(trained.Contains) / keyPrompts.Length;
    }
}

/// <summary>How a suspect is judged.</summary>
public sealed record AttributionOptions
{
    /// <summary>α of both tests.</summary>
    public double Alpha { get; init; } = 0.01;

    public ulong Seed { get; init; }

    /// <summary>q of the calibrated threshold: the share of innocent answers below paper A's δ0 (methods 1.3).</summary>
    public double CalibrationQuantile { get; init; } = 0.043;

    /// <summary>Level of the intervals.</summary>
    public double IntervalLevel { get; init; } = 0.95;

    /// <summary>Power of the smallest detectable rate (F9).</summary>
    public double Power { get; init; } = 0.9;

    /// <summary>What is known of the suspect's prompts.</summary>
    public PromptOverlap Overlap { get; init; } = PromptOverlap.Unknown;

    /// <exception cref="AttributionException">A number that makes no sense.</exception>
    public void Validate()
    {
        (string Name, double Value)[] shares =
            [("alpha", Alpha), ("calibration quantile", CalibrationQuantile), ("interval level", IntervalLevel), ("power", Power)];
        foreach (var (name, value) in shares)
        {
            if (value is not (> 0 and < 1)) throw new AttributionException($"the {name} is {value}", "Use a number between 0 and 1.");
        }
    }
}
