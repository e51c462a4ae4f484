namespace CudaAttribution.Tensors.Ops;

public static partial class Norm
{
    /// <summary>Group norm in float64; x is <c>[N,positions,C]</c>.</summary>
    private static double[] ReferenceGroupNorm(double[][] inputs, int samples, int channels, int groups, double eps, bool silu)
    {
        var (x, w, b) = (inputs[0], inputs[1], inputs[2]);
        var y = new double[x.Length];
        int sample = x.Length / samples, width = channels / groups;
        double count = (double)sample / groups;
        for (int n = 0; n < samples; n++)
        {
            for (int g = 0; g < groups; g++)
            {
                double mean = 0, variance = 0;
                for (int row = n * sample; row < (n + 1) * sample; row += channels)
                {
                    for (int c = g * width; c < (g + 1) * width; c++) mean += x[row + c] / count;
                }
                for (int row = n * sample; row < (n + 1) * sample; row += channels)
                {
                    for (int c = g * width; c < (g + 1) * width; c++) variance += (x[row + c] - mean) * (x[row + c] - mean) / count;
                }
                double rstd = 1 / double.Sqrt(variance + eps);
                for (int row = n * sample; row < (n + 1) * sample; row += channels)
                {
                    for (int c = g * width; c < (g + 1) * width; c++)
                    {
                        double v = (x[row + c] - mean) * rstd * w[c] + b[c];
                        y[row + c] = silu ? v / (1 + double.Exp(-v)) : v;
                    }
                }
            }
        }
        return y;
    }

    /// <summary>Layer norm in float64; x is <c>[rows,C]</c>. A row is a sample of one group at one position.</summary>
    private static double[] ReferenceLayerNorm(double[][] inputs, int channels, double eps) =>
        ReferenceGroupNorm(inputs, inputs[0].Length / channels, channels, 1, eps, silu: false);
}
