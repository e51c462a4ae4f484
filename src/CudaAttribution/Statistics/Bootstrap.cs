using CudaAttribution.Tensors;

namespace CudaAttribution.Statistics;

/// <summary>Percentile intervals by drawing models anew (Efron 1979), each class for itself.</summary>
public static class Bootstrap
{
    public const int DefaultFolds = 2000;

    /// <summary>The interval of a statistic of two classes.</summary>
    /// <param name="positives">Number of positives.</param>
    /// <param name="negatives">Number of negatives.</param>
    /// <param name="statistic">Its value for the positives and negatives of these numbers; a number may occur several times.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="folds">Draws.</param>
    /// <param name="level">Share of the draws that lie within.</param>
    public static ShareInterval Of(
        int positives, int negatives, Func<int[], int[], double> statistic, ulong seed, int folds = DefaultFolds, double level = 0.95)
    {
        var random = new PhiloxSequence(seed, Philox.Stream("bootstrap"));
        return Of(Enumerable.Range(0, folds).Select(_ => (Draw(random, positives), Draw(random, negatives))), statistic, level);
    }

    /// <summary>The interval of a statistic over draws.</summary>
    /// <param name="draws">Numbers of positives and negatives of each draw.</param>
    /// <param name="statistic">Its value for a draw.</param>
    /// <param name="level">Share of the draws that lie within.</param>
    public static ShareInterval Of(IEnumerable<(int[] Positives, int[] Negatives)> draws, Func<int[], int[], double> statistic, double level = 0.95)
    {
        if (level is not (> 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(level), level, "a confidence level lies between 0 and 1");
        double[] values = [.. draws.Select(d => statistic(d.Positives, d.Negatives))];
        return new(Quantile.Of(values, (1 - level) / 2), Quantile.Of(values, (1 + level) / 2));
    }

    private static int[] Draw(PhiloxSequence random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(count))];
}
