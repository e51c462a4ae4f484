namespace CudaAttribution.Statistics;

/// <summary>Sample quantiles.</summary>
public static class Quantile
{
    /// <summary>The q-quantile by linear interpolation between order statistics (Hyndman and Fan's type 7, NumPy's default).</summary>
    public static double Of(IEnumerable<double> sample, double q)
    {
        if (q is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(q), q, "a quantile lies in 0..1");
        double[] sorted = [.. sample.Order()];
        if (sorted.Length == 0) throw new ArgumentException("a quantile of no values", nameof(sample));
        double position = q * (sorted.Length - 1);
        int below = (int)position;
        return below + 1 == sorted.Length ? sorted[below] : sorted[below] + (position - below) * (sorted[below + 1] - sorted[below]);
    }

    /// <summary>The middle value, or the mean of the two middle values.</summary>
    public static double Median(IEnumerable<double> sample) => Of(sample, 0.5);
}
