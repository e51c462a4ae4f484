using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Watermark;

/// <summary>
/// The structural similarity index (Wang, Bovik, Sheikh and Simoncelli 2004) with uniform windows of 7x7 pixels that lie wholly in the picture,
/// variances over 49 and constants for values in [0, 1]: scikit-image's <c>structural_similarity</c> with <c>win_size=7</c>,
/// <c>use_sample_covariance=False</c>, <c>data_range=1</c>.
/// </summary>
public static class Ssim
{
    /// <summary>Side of a window.</summary>
    public const int Window = 7;

    private const float C1 = 0.01f * 0.01f, C2 = 0.03f * 0.03f;

    /// <summary>Mean over windows, channels and samples; differentiable in both.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="a"><c>[N,H,W,C]</c> in [0, 1], sides of at least 7.</param>
    /// <param name="b">The same shape.</param>
    /// <returns><c>[1]</c>, at most 1.</returns>
    /// <exception cref="ArgumentException">A shape does not fit.</exception>
    public static Tensor StructuralSimilarity(this Tape tape, Tensor a, Tensor b)
    {
        if (a.Shape.Rank != 4 || a.Shape != b.Shape || a.Shape[1] < Window || a.Shape[2] < Window)
            throw new ArgumentException($"ssim: {a.Shape} and {b.Shape}, both must be the same [N,H,W,C] with sides of at least {Window}");
        var (meanA, meanB) = (Mean(a), Mean(b));
        var (aa, ab, bb) = (tape.Multiply(meanA, meanA), tape.Multiply(meanA, meanB), tape.Multiply(meanB, meanB));
        var variances = Minus(tape.Add(Mean(tape.Multiply(a, a)), Mean(tape.Multiply(b, b))), tape.Add(aa, bb));
        var covariance = Minus(Mean(tape.Multiply(a, b)), ab);
        var above = tape.Multiply(tape.Offset(tape.Scale(ab, 2), C1), tape.Offset(tape.Scale(covariance, 2), C2));
        var below = tape.Multiply(tape.Offset(tape.Add(aa, bb), C1), tape.Offset(variances, C2));
        var map = tape.Divide(above, below);
        return tape.GlobalAvgPool(map.View(1, checked((int)map.Count), 1)).View(1);

        Tensor Mean(Tensor x) => tape.AvgPool2d(x, Window, stride: 1);

        Tensor Minus(Tensor x, Tensor y) => tape.Add(x, tape.Scale(y, -1));
    }
}
