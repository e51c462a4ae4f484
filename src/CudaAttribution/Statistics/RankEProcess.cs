namespace CudaAttribution.Statistics;

/// <summary>
/// A bet against the hypothesis that ranks 1..n are independent and uniform, rank after rank: a capital that starts at 1 and under the hypothesis does
/// not grow on average, so that P(it ever reaches 1/α) ≤ α (Ville 1939; Ramdas et al. 2023). It may be looked at after every rank, and stopped.
/// </summary>
/// <remarks>
/// A bettor with tilt θ stakes w(r) ∝ exp(θ·a(r)) on the next rank, a(r) being Savage's scores; its capital is multiplied by n·w(R). The capital is the
/// mean over bettors from faint to bold, which is such a bet itself: the boldest make two first places enough, the faintest live on a share of
/// first places that only hundreds of ranks show.
/// </remarks>
public sealed class RankEProcess
{
    /// <summary>Each is twice the one before.</summary>
    private static readonly double[] Tilts = [0.15, 0.3, 0.6, 1.2, 2.4, 4.8];

    /// <summary>log(n·w(r)) of each bettor.</summary>
    private readonly double[][] _logGains;
    private readonly double[] _logCapitals = new double[Tilts.Length];

    /// <param name="ranks">n, at least 2.</param>
    public RankEProcess(int ranks)
    {
        var scores = RankScores.Savage(ranks);
        Ranks = ranks;
        _logGains = [.. Tilts.Select(tilt => LogGains(scores, tilt))];
    }

    /// <summary>n.</summary>
    public int Ranks { get; }

    /// <summary>Ranks so far.</summary>
    public int Count { get; private set; }

    /// <summary>log10 of the capital.</summary>
    public double Log10 { get; private set; }

    /// <summary>E, the capital; the largest double where it is larger.</summary>
    public double Value => Math.Min(Math.Pow(10, Log10), double.MaxValue);

    /// <summary>Whether E ≥ 1/α.</summary>
    public bool Reaches(double alpha) => Log10 >= -Math.Log10(alpha);

    /// <summary>The next rank.</summary>
    public void Add(int rank)
    {
        if (rank < 1 || rank > Ranks) throw new ArgumentOutOfRangeException(nameof(rank), rank, $"a rank lies in 1..{Ranks}");
        for (int b = 0; b < _logCapitals.Length; b++) _logCapitals[b] += _logGains[b][rank - 1];
        Count++;
        double most = _logCapitals.Max();
        Log10 = (most + Math.Log(_logCapitals.Average(c => Math.Exp(c - most)))) / Math.Log(10);
    }

    private static double[] LogGains(RankScores scores, double tilt)
    {
        double[] weights = [.. Enumerable.Range(1, scores.Ranks).Select(r => Math.Exp(tilt * scores[r] / RankScores.Scale))];
        double mean = weights.Average();
        return [.. weights.Select(w => Math.Log(w / mean))];
    }
}
