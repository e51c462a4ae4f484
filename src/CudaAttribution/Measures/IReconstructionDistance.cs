using CudaAttribution.Data.Images;

namespace CudaAttribution.Measures;

/// <summary>
/// How far an answer is from a reference (docs/method.md "Distances"). Answers of another size are resized to the reference's first: area average
/// down, bicubic up.
/// </summary>
public interface IReconstructionDistance
{
    /// <summary>The name in files and options: <c>px</c>, <c>tile</c>.</summary>
    string Name { get; }

    /// <summary>The literal δ0 of this metric.</summary>
    double DefaultThreshold { get; }

    /// <summary>The largest possible distance; what an answer that never came counts as.</summary>
    double Maximum { get; }

    /// <summary>d(references[i], answers[j]) at [i, j].</summary>
    double[,] Matrix(IReadOnlyList<RgbImage> references, IReadOnlyList<RgbImage> answers);
}

/// <summary>Distances by pairs.</summary>
public static class ReconstructionDistances
{
    /// <summary>d(a, b).</summary>
    public static double Between(this IReconstructionDistance distance, RgbImage a, RgbImage b) => distance.Matrix([a], [b])[0, 0];
}
