using System.Numerics;

namespace CudaAttribution.Statistics;

/// <summary>The binomial distribution with chance ½, exact: cases are counted in integers.</summary>
public static class FairCoins
{
    /// <summary>P(B ≥ heads) for B ~ Binomial(<paramref name="coins"/>, ½).</summary>
    /// <param name="heads">0 to <paramref name="coins"/>.</param>
    /// <param name="coins">At least 1.</param>
    public static TailProbability Tail(int heads, int coins)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(coins, 1);
        if (heads < 0 || heads > coins) throw new ArgumentOutOfRangeException(nameof(heads), heads, $"a count of {coins} lies in 0..{coins}");
        // From all heads down to the count: C(n, n) = 1, C(n, j − 1) = C(n, j) j / (n − j + 1).
        BigInteger term = BigInteger.One, sum = BigInteger.One;
        for (int j = coins; j > heads; j--)
        {
            term = term * j / (coins - j + 1);
            sum += term;
        }
        return TailProbability.Of(sum, BigInteger.One << coins);
    }
}
