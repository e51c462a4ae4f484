namespace CudaAttribution.Statistics;

/// <summary>How well scores of two classes are told apart; a positive should score higher. Both classes need a member.</summary>
/// <param name="positives">Scores of the positives, finite.</param>
/// <param name="negatives">Scores of the negatives, finite.</param>
public sealed class Roc(IReadOnlyList<double> positives, IReadOnlyList<double> negatives)
{
    private readonly double[] _positives = Checked(positives, nameof(positives)), _negatives = Checked(negatives, nameof(negatives));

    /// <summary>P(a positive scores higher than a negative), a tie as half of one: the area under the curve.</summary>
    public double Auc()
    {
        // Twice the wins stay a whole number up to 2^53, so that no order of summation shows.
        long twice = 0;
        foreach (double positive in _positives)
        {
            int below = FirstAtLeast(_negatives, positive), upTo = FirstAbove(_negatives, positive);
            twice += below + upTo;
        }
        return twice / (2.0 * _positives.Length * _negatives.Length);
    }

    /// <summary>The largest share of positives at or above a threshold that at most <paramref name="falsePositives"/> of the negatives reach.</summary>
    /// <param name="falsePositives">The share of negatives that may be called positive, 0 to 1.</param>
    public double TruePositivesAt(double falsePositives)
    {
        if (falsePositives is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(falsePositives), falsePositives, "a share lies in 0..1");
        // A count is compared, not a quotient: 3 of 30 are a tenth.
        int allowed = (int)Math.Floor((falsePositives * _negatives.Length) + 1e-9);
        if (allowed >= _negatives.Length) return 1;
        double highestRefused = _negatives[_negatives.Length - 1 - allowed];
        return (_positives.Length - FirstAbove(_positives, highestRefused)) / (double)_positives.Length;
    }

    /// <summary>Share of all that a threshold puts in their class: positives above it, negatives not above.</summary>
    public double AccuracyAt(double threshold) =>
        (_positives.Length - FirstAbove(_positives, threshold) + FirstAbove(_negatives, threshold)) / (double)(_positives.Length + _negatives.Length);

    /// <summary>Share of the negatives above a threshold.</summary>
    public double FalsePositivesAt(double threshold) => (_negatives.Length - FirstAbove(_negatives, threshold)) / (double)_negatives.Length;

    private static int FirstAtLeast(double[] sorted, double value) => First(sorted, v => v >= value);

    private static int FirstAbove(double[] sorted, double value) => First(sorted, v => v > value);

    private static int First(double[] sorted, Func<double, bool> reached)
    {
        (int low, int high) = (0, sorted.Length);
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (reached(sorted[middle])) high = middle;
            else low = middle + 1;
        }
        return low;
    }

    private static double[] Checked(IReadOnlyList<double> scores, string name)
    {
        if (scores.Count == 0) throw new ArgumentException("both classes need a score", name);
        if (scores.FirstOrDefault(s => !double.IsFinite(s), 0) is var wrong && !double.IsFinite(wrong))
            throw new ArgumentException($"a score is {wrong}", name);
        return [.. scores.Order()];
    }
}
