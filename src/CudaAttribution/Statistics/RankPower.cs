namespace CudaAttribution.Statistics;

/// <summary>
/// What the test of a sum of rank scores can see: a share of trials in which the served picture comes first, the ranks of the others uniform.
/// In float64, for planning and reporting only; verdicts rest on <see cref="RankScores.UpperTail"/>.
/// </summary>
public sealed class RankPower
{
    private readonly int _trials;

    // P(the sum reaches the critical one | n trials are as by chance, the others are first places), n = 0..N.
    private readonly double[] _reached;

    /// <param name="ranks">K + 1.</param>
    /// <param name="trials">N.</param>
    /// <param name="alpha">Level of the test.</param>
    public RankPower(int ranks, int trials, double alpha)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        _trials = trials;
        var scores = RankScores.Savage(ranks);
        int[] losses = [.. Enumerable.Range(1, ranks).Select(r => scores[1] - scores[r])];
        int critical = Critical(losses, trials, alpha);
        _reached = new double[trials + 1];
        if (critical < 0) return;
        _reached[0] = 1;
        double[] law = [1];
        for (int n = 1; n <= trials; n++) _reached[n] = (law = Next(law, losses)).Take(critical + 1).Sum();
    }

    /// <summary>P(p ≤ α) where a share of the trials is first.</summary>
    public double At(double share)
    {
        double power = 0, logShare = Math.Log(share), logRest = Math.Log(1 - share);
        for (int first = 0; first <= _trials; first++)
        {
            int rest = _trials - first;
            double log = SpecialFunctions.LogChoose(_trials, first) + (first > 0 ? first * logShare : 0) + (rest > 0 ? rest * logRest : 0);
            power += Math.Exp(log) * _reached[rest];
        }
        return Math.Min(power, 1);
    }

    /// <summary>The smallest share that is seen with this power, to a thousandth; null where not even all first places are.</summary>
    public double? SmallestShare(double power)
    {
        if (At(1) < power) return null;
        (double low, double high) = (0, 1);
        while (high - low > 5e-4) (low, high) = At((low + high) / 2) >= power ? (low, (low + high) / 2) : ((low + high) / 2, high);
        return Math.Round(high, 3);
    }

    /// <summary>The largest loss from the best sum with p ≤ α; -1 where there is none.</summary>
    private static int Critical(int[] losses, int trials, double alpha)
    {
        double[] law = [1];
        for (int n = 0; n < trials; n++) law = Next(law, losses);
        double sum = 0;
        for (int loss = 0; loss < law.Length; loss++)
        {
            if ((sum += law[loss]) > alpha) return loss - 1;
        }
        return law.Length - 1;
    }

    private static double[] Next(double[] law, int[] losses)
    {
        var next = new double[law.Length + losses.Max()];
        foreach (int loss in losses)
        {
            for (int i = 0; i < law.Length; i++) next[i + loss] += law[i] / losses.Length;
        }
        return next;
    }
}
