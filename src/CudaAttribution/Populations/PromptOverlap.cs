using CudaAttribution.Keys;

namespace CudaAttribution.Populations;

/// <summary>Where the adversary's prompts came from, relative to the key prompts (docs/method.md "Prompt overlap").</summary>
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
