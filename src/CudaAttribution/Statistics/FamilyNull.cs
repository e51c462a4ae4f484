namespace CudaAttribution.Statistics;

/// <summary>How a family's p-value was obtained.</summary>
public static class PValueMethod
{
    /// <summary>Rank among the innocents; valid whenever the suspect is exchangeable with them under innocence.</summary>
    public const string Rank = "rank";

    /// <summary>Tail of a fitted beta-binomial; model-based.</summary>
    public const string BetaBinomial = "beta-binomial";
}

/// <summary>What one family of innocents says about one count (docs/method.md "Tests").</summary>
/// <param name="Family">Family of the innocents.</param>
/// <param name="Innocents">Number m of innocents.</param>
/// <param name="Counts">Their counts, in the order of the null table.</param>
/// <param name="RankPValue">By rank: (1 + #{count of an innocent ≥ the suspect's}) / (m + 1).</param>
/// <param name="RankFloor">The smallest value that ranks can give, 1 / (m + 1).</param>
/// <param name="ModelPValue">By the fitted beta-binomial: P(BetaBin(N, a0, b0) ≥ the suspect's count).</param>
/// <param name="A0">Fitted a0.</param>
/// <param name="B0">Fitted b0.</param>
/// <param name="Method">Which of the two is used, <see cref="PValueMethod"/>.</param>
/// <param name="ModelBased">True where the value rests on the fitted distribution and not on ranks alone.</param>
/// <param name="PValue">The one that is used.</param>
public sealed record FamilyPValue(
    string Family,
    int Innocents,
    IReadOnlyList<int> Counts,
    double RankPValue,
    double RankFloor,
    double ModelPValue,
    double A0,
    double B0,
    string Method,
    bool ModelBased,
    double PValue);

/// <summary>The distribution of a count (hits, paired wins) over the innocents of one family.</summary>
public sealed class FamilyNull
{
    private readonly int[] _counts;

    /// <param name="family">Name of the family.</param>
    /// <param name="counts">Count of each innocent, 0..trials; at least one.</param>
    /// <param name="trials">Keys per model.</param>
    public FamilyNull(string family, IEnumerable<int> counts, int trials)
    {
        _counts = [.. counts];
        if (_counts.Length == 0) throw new ArgumentException($"family '{family}' has no innocents", nameof(counts));
        (Family, Trials) = (family, trials);
        Model = BetaBinomialFit.FitInnocents(_counts, trials);
    }

    public string Family { get; }

    public int Trials { get; }

    /// <summary>The fitted beta-binomial, pseudo-model included.</summary>
    public BetaBinomial Model { get; }

    /// <summary>The smallest p-value that ranks can give.</summary>
    public double RankFloor => 1.0 / (_counts.Length + 1);

    /// <summary>p of a count: by rank where the floor can reach <paramref name="alpha"/>, by the fit otherwise.</summary>
    public FamilyPValue Test(int count, double alpha)
    {
        if (count < 0 || count > Trials) throw new ArgumentOutOfRangeException(nameof(count), count, $"a count of {Trials} keys lies in 0..{Trials}");
        double rank = (1.0 + _counts.Count(c => c >= count)) / (_counts.Length + 1), model = Model.Survival(count);
        bool modelBased = RankFloor > alpha;
        return new(
            Family, _counts.Length, _counts, rank, RankFloor, model, Model.A, Model.B,
            modelBased ? PValueMethod.BetaBinomial : PValueMethod.Rank, modelBased, modelBased ? model : rank);
    }
}
