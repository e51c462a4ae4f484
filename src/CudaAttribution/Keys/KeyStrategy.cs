using CudaAttribution.Runs;

namespace CudaAttribution.Keys;

/// <summary>How keys are chosen (docs/method.md "Keys").</summary>
public enum KeyStrategy
{
    /// <summary>Strategy 1: pictures of the training set that the source reproduces best. The reference is the training picture.</summary>
    Detect,

    /// <summary>Strategy 2: prompts to which the source always gives the same answer. The reference is the source's medoid.</summary>
    Generate,

    /// <summary>Baseline 2: pairs drawn at random from the training set, unfiltered. The reference is the training picture.</summary>
    Random,
}

/// <summary>The rules of key selection, every one explicit; they are part of the frozen key set.</summary>
public sealed record KeySelectionOptions
{
    public KeyStrategy Strategy { get; init; } = KeyStrategy.Generate;

    /// <summary>N: keys to select.</summary>
    public int Count { get; init; } = 30;

    /// <summary>K: pictures the source makes per prompt; 0 is the strategy's own number, 4 for detect and 8 otherwise.</summary>
    public int Draws { get; init; }

    /// <summary>Pictures each SEL innocent makes per prompt.</summary>
    public int InnocentDraws { get; init; } = 1;

    /// <summary>λ: weight of the distance to the nearest innocent in the score.</summary>
    public double Lambda { get; init; } = 1;

    /// <summary>δ0; null is the metric's own.</summary>
    public double? Threshold { get; init; }

    /// <summary>Prompts taken from the training set, at random; null is all of them.</summary>
    public int? Candidates { get; init; }

    /// <summary>
    /// Weight of d(medoid, training picture) in the score: larger favours keys on which the paired test can decide. 0 leaves it out.
    /// </summary>
    public double DivergenceWeight { get; init; }

    /// <summary>
    /// Keys need d(medoid, training picture) above this (divergent keys). 0 asks for nothing; random keys ignore it, as they ignore
    /// every filter.
    /// </summary>
    public double MinDivergence { get; init; }

    /// <summary>Keys need a dispersion v of the source's answers of at most this; null asks for nothing.</summary>
    public double? MaxDispersion { get; init; }

    /// <summary>
    /// Keys need a share of at most this among the SEL innocents' answers that are closer to the medoid than to the training picture; null asks for
    /// nothing. It takes out keys whose medoid is paler or smoother than the training picture and therefore closer to any picture at all.
    /// </summary>
    public double? MaxInnocentPaired { get; init; }

    /// <summary>
    /// Keys of the paired test: null tests the N keys themselves; a number selects that many prompts apart, those with the largest
    /// d(medoid, training picture) among the candidates that pass the filters, which the suspect is then asked in addition.
    /// </summary>
    public int? PairedCount { get; init; }

    /// <summary>Seed of the selection's noise and of its random choices.</summary>
    public ulong Seed { get; init; }

    /// <summary>K as it is used.</summary>
    public int EffectiveDraws => Draws > 0 ? Draws : Strategy == KeyStrategy.Detect ? 4 : 8;

    /// <exception cref="UserException">A number that makes no sense.</exception>
    public void Validate()
    {
        Require(Count >= 1, $"the number of keys is {Count}", "Ask for at least one key.");
        Require(Draws >= 0, $"the number of draws per prompt is {Draws}", "Use a positive number, or 0 for the strategy's own.");
        Require(EffectiveDraws >= 2, "a medoid and a dispersion of a single draw say nothing", "Use at least 2 draws per prompt.");
        Require(InnocentDraws >= 1, $"the number of draws per innocent is {InnocentDraws}", "Use at least 1.");
        Require(Threshold is null or > 0, $"the threshold is {Threshold}", "Use a positive threshold.");
        Require(
            Candidates is null || Candidates >= Count,
            $"{Candidates} candidates cannot give {Count} keys",
            "Allow at least as many candidates as keys.");
        Require(PairedCount is null or >= 1, $"the number of paired keys is {PairedCount}", "Use at least 1, or none to test the keys themselves.");

        static void Require(bool holds, string problem, string remedy)
        {
            if (!holds) throw new UserException(problem, remedy);
        }
    }
}
