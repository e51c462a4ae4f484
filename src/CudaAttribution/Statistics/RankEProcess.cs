namespace CudaAttribution.Statistics;

/// <summary>
/// A bet against the hypothesis that ranks 1..n are independent and uniform, rank after rank: capital that starts at 1 and under the hypothesis grows
/// on average not at all, so that P(it ever reaches 1/α) ≤ α (Ville 1939; Ramdas et al. 2023). It may be looked at after every rank, and stopped.
/// </summary>
/// <remarks>
/// Each bettor stakes a distribution w over the next rank, from earlier ranks only, and its capital is multiplied by n·w(R). The capital is the mean
/// over the bettors, which is such a bet itself: <see cref="Learner"/> finds any departure, the others a first place in a fixed share of ranks, from
/// one that makes two or three ranks enough to one that is seen in hundreds only.
/// </remarks>
public sealed class RankEProcess
{
    private readonly Bettor[] _bettors;

    /// <param name="ranks">n, at least 2.</param>
    public RankEProcess(int ranks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 2);
        Ranks = ranks;
        _bettors = [new Learner(ranks), .. Shares.Select(share => new Constant(ranks, share))];
    }

    /// <summary>Shares of first places that are bet on from the beginning, one bettor each.</summary>
    private static readonly double[] Shares = [0.05, 0.1, 0.2, 0.5, 0.95];

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
        foreach (var bettor in _bettors) bettor.Add(rank);
        Count++;
        double most = _bettors.Max(b => b.LogCapital);
        Log10 = (most + Math.Log(_bettors.Sum(b => Math.Exp(b.LogCapital - most)) / _bettors.Length)) / Math.Log(10);
    }

    private abstract class Bettor(int ranks)
    {
        public double LogCapital { get; private set; }

        public void Add(int rank)
        {
            LogCapital += Math.Log(ranks * Stake(rank));
            Learn(rank);
        }

        /// <summary>w(rank).</summary>
        protected abstract double Stake(int rank);

        protected virtual void Learn(int rank)
        {
        }

        /// <summary>Half on the first place more than on the others together.</summary>
        protected double Mostly(double first, int rank) => rank == 1 ? first : (1 - first) / (ranks - 1);
    }

    /// <summary>w = (n_r + prior) / (count + weight of the prior), the prior with half its weight on first place: the frequencies so far.</summary>
    private sealed class Learner(int ranks) : Bettor(ranks)
    {
        private readonly int[] _seen = new int[ranks];
        private int _count;

        protected override double Stake(int rank) => (_seen[rank - 1] + Mostly(0.5, rank)) / (_count + 1);

        protected override void Learn(int rank)
        {
            _seen[rank - 1]++;
            _count++;
        }
    }

    /// <summary>The same w at every rank: the share above what is first by chance.</summary>
    private sealed class Constant(int ranks, double share) : Bettor(ranks)
    {
        protected override double Stake(int rank) => Mostly(share + ((1 - share) / ranks), rank);

        private readonly int ranks = ranks;
    }
}
