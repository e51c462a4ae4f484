namespace CudaAttribution.Statistics;

/// <summary>Centres and scales features: mean 0 and standard deviation 1 over the sample that it was made from; a constant feature is centred only.</summary>
/// <param name="Mean">Of each feature.</param>
/// <param name="Scale">Population standard deviation of each feature; 1 where it is 0.</param>
public sealed record Standardisation(IReadOnlyList<double> Mean, IReadOnlyList<double> Scale)
{
    /// <param name="sample">Rows of equal length; at least one.</param>
    public static Standardisation Of(IReadOnlyList<double[]> sample)
    {
        int width = sample[0].Length;
        double[] mean = new double[width], scale = new double[width];
        for (int k = 0; k < width; k++)
        {
            double m = mean[k] = sample.Average(row => row[k]);
            double variance = sample.Average(row => (row[k] - m) * (row[k] - m));
            // Rounding leaves a constant feature a variance of some ulps of its square.
            scale[k] = variance <= 1e-24 * m * m ? 1 : Math.Sqrt(variance);
        }
        return new(mean, scale);
    }

    public double[] Apply(IReadOnlyList<double> features) => [.. features.Select((f, k) => (f - Mean[k]) / Scale[k])];
}
