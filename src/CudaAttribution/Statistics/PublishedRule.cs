namespace CudaAttribution.Statistics;

/// <summary>
/// The rule of Zhang et al. (2024): more keys are hit than an innocent model would hit, each key being a hit of its own with one rate. It needs no
/// references, and accuses lawful models (docs/method.md "What an indication cannot carry").
/// </summary>
/// <param name="Rate">The rate.</param>
/// <param name="Needed">The smallest number of hits with p ≤ α; null where not even all keys are enough.</param>
/// <param name="Hits">The suspect's hits.</param>
/// <param name="P">P(H ≥ hits) for H ~ Binomial(N, rate).</param>
/// <param name="Accuses">p ≤ α.</param>
public sealed record PublishedRule(double Rate, int? Needed, int Hits, double P, bool Accuses)
{
    /// <summary>Share of the answers of an innocent model that count as hits, in their table 2.</summary>
    public const double InnocentRate = 0.043;

    public static PublishedRule Of(int hits, int trials, double alpha)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        if (hits < 0 || hits > trials) throw new ArgumentOutOfRangeException(nameof(hits), hits, $"a count of {trials} keys lies in 0..{trials}");
        double p = Tail(hits);
        int needed = Enumerable.Range(0, trials + 1).FirstOrDefault(h => Tail(h) <= alpha, -1);
        return new(InnocentRate, needed < 0 ? null : needed, hits, p, p <= alpha);

        double Tail(int least) => least == 0 ? 1 : SpecialFunctions.RegularizedBeta(least, trials - least + 1, InnocentRate);
    }
}
