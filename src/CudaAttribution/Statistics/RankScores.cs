using System.Numerics;

namespace CudaAttribution.Statistics;

/// <summary>
/// Scores of the ranks 1 (the closest) to n of independent, uniform ranks, and the exact distribution of their sum: cases are counted in integers,
/// nothing is simulated or approximated.
/// </summary>
public sealed class RankScores
{
    /// <summary>Savage scores are rounded to so many parts of 1. The test is exact at any scale; a finer one only breaks more ties of the sum.</summary>
    internal const int Scale = 100;

    private readonly int[] _scores;

    private RankScores(int[] scores) => _scores = scores;

    /// <summary>n.</summary>
    public int Ranks => _scores.Length;

    /// <summary>Score of a rank.</summary>
    public int this[int rank] => _scores[rank - 1];

    /// <summary>
    /// Savage's scores a(r) = Σ_{j=r}^{n} 1/j (Savage 1956), in hundredths: the expected order statistics of the exponential distribution, which weigh
    /// first places most and are locally most powerful where a share of the ranks is first.
    /// </summary>
    public static RankScores Savage(int ranks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 2);
        var scores = new int[ranks];
        double sum = 0;
        for (int rank = ranks; rank >= 1; rank--) scores[rank - 1] = (int)Math.Round(Scale * (sum += 1.0 / rank));
        return new(scores);
    }

    /// <summary>Σ a(R_i).</summary>
    public long Sum(IEnumerable<int> ranks) => ranks.Sum(r => (long)this[r]);

    /// <summary>P(Σ a(R_i) ≥ <paramref name="sum"/>) for independent ranks that are uniform on 1..n.</summary>
    /// <param name="trials">How many ranks.</param>
    /// <param name="sum">A sum that is possible.</param>
    public TailProbability UpperTail(int trials, long sum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        long highest = (long)trials * _scores[0], lowest = (long)trials * _scores[^1];
        if (sum < lowest || sum > highest) throw new ArgumentOutOfRangeException(nameof(sum), sum, $"a sum of {trials} scores lies in {lowest}..{highest}");
        var cases = BigInteger.Pow(Ranks, trials);
        // From the nearer end: what is lost to the best sum, or what is gained over the worst.
        return highest - sum <= sum - 1 - lowest
            ? TailProbability.Of(AtMost(Losses, trials, highest - sum), cases)
            : TailProbability.Of(cases - AtMost(Gains, trials, sum - 1 - lowest), cases);
    }

    private int[] Losses => [.. _scores.Select(s => _scores[0] - s)];

    private int[] Gains => [.. _scores.Select(s => s - _scores[^1])];

    /// <summary>
    /// Ways to draw <paramref name="trials"/> of <paramref name="steps"/> that add up to at most <paramref name="bound"/>: coefficients of
    /// P(x)^N for P(x) = Σ x^step, by Euler's recurrence k·p_0·c_k = Σ_{i≥1} (i(N + 1) − k)·p_i·c_{k−i}, which follows from P·(P^N)' = N·P'·P^N.
    /// </summary>
    private static BigInteger AtMost(int[] steps, int trials, long bound)
    {
        if (bound < 0) return BigInteger.Zero;
        var powers = steps.GroupBy(s => s).Where(g => g.Key > 0).Select(g => (Step: g.Key, Ways: g.Count())).ToArray();
        int still = steps.Count(s => s == 0), widest = steps.Max();
        // A ring: no coefficient reaches further back than the widest step.
        var coefficients = new BigInteger[widest + 1];
        var total = coefficients[0] = BigInteger.Pow(still, trials);
        for (long k = 1; k <= bound; k++)
        {
            var sum = BigInteger.Zero;
            foreach (var (step, ways) in powers)
            {
                if (step > k) continue;
                var before = coefficients[(k - step) % coefficients.Length];
                if (!before.IsZero) sum += ((step * (trials + 1L)) - k) * ways * before;
            }
            total += coefficients[k % coefficients.Length] = sum / (k * still);
        }
        return total;
    }
}
