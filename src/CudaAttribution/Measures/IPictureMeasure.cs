using CudaAttribution.Images;

namespace CudaAttribution.Measures;

/// <summary>
/// How far an answer is from a reference (docs/method.md "Distances"). Answers of another size are resized to the reference's first: area average
/// down, bicubic up.
/// </summary>
public interface IPictureMeasure
{
    /// <summary>The name in files and options: <c>px</c>, <c>tile</c>.</summary>
    string Name { get; }

    /// <summary>The literal δ0 of this metric.</summary>
    double DefaultThreshold { get; }

    /// <summary>The largest possible distance; what an answer that never came counts as.</summary>
    double Maximum { get; }

    /// <summary>Makes of pictures, once, what comparing them needs: features, or the pictures themselves.</summary>
    PreparedPictures Prepare(IReadOnlyList<RgbImage> pictures);

    /// <summary>d(references[i], answers[j]) at [i, j], all at once.</summary>
    /// <param name="references">Prepared by this measure.</param>
    /// <param name="answers">Prepared by this measure.</param>
    double[,] Matrix(PreparedPictures references, PreparedPictures answers);
}

/// <summary>Pictures as a measure compares them.</summary>
/// <param name="Pictures">The pictures.</param>
public record PreparedPictures(IReadOnlyList<RgbImage> Pictures);

/// <summary>Pictures that are compared once.</summary>
public static class PictureMeasures
{
    /// <summary>d(references[i], answers[j]) at [i, j].</summary>
    public static double[,] Matrix(this IPictureMeasure measure, IReadOnlyList<RgbImage> references, IReadOnlyList<RgbImage> answers) =>
        measure.Matrix(measure.Prepare(references), measure.Prepare(answers));

    /// <summary>The distance of an answer from each reference.</summary>
    public static double[] Distances(this IPictureMeasure measure, IReadOnlyList<RgbImage> references, RgbImage answer)
    {
        double[,] matrix = measure.Matrix(references, [answer]);
        return [.. references.Select((_, i) => matrix[i, 0])];
    }

    /// <summary>d(a, b).</summary>
    public static double Between(this IPictureMeasure measure, RgbImage a, RgbImage b) => measure.Matrix([a], [b])[0, 0];
}
