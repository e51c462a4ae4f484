namespace CudaAttribution.Statistics;

/// <summary>A two-sided confidence interval of a share.</summary>
public readonly record struct ShareInterval(double Low, double High)
{
    /// <summary>
    /// Clopper and Pearson's exact interval for <paramref name="hits"/> of <paramref name="trials"/>: never covers less than <paramref
    /// name="level"/>.
    /// </summary>
    public static ShareInterval ClopperPearson(int hits, int trials, double level = 0.95)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        if (hits < 0 || hits > trials) throw new ArgumentOutOfRangeException(nameof(hits), hits, $"a count of {trials} lies in 0..{trials}");
        if (level is not (> 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(level), level, "a confidence level lies between 0 and 1");
        double tail = (1 - level) / 2;
        return new(
            hits == 0 ? 0 : SpecialFunctions.RegularizedBetaInverse(hits, trials - hits + 1, tail),
            hits == trials ? 1 : SpecialFunctions.RegularizedBetaInverse(hits + 1, trials - hits, 1 - tail));
    }
}
