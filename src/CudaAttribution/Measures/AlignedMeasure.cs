using CudaAttribution.Images;

namespace CudaAttribution.Measures;

/// <summary>
/// A measure that forgives a model that mirrors or moves what it learned: the smallest distance of an answer from a reference, its mirror image, and
/// both moved by a sixteenth of the side in the eight directions, edges repeated. Every reference gets the same chances, so ranks among references stay
/// exact.
/// </summary>
/// <param name="inner">The measure underneath.</param>
public sealed class AlignedMeasure(IPictureMeasure inner) : IPictureMeasure
{
    /// <summary>Part of a side that a picture is moved by, at least a pixel.</summary>
    private const int Step = 16;

    public const string Suffix = "-aligned";

    public string Name => inner.Name + Suffix;

    public double DefaultThreshold => inner.DefaultThreshold;

    public double Maximum => inner.Maximum;

    public PreparedPictures Prepare(IReadOnlyList<RgbImage> pictures) => new(pictures);

    public double[,] Matrix(PreparedPictures references, PreparedPictures answers)
    {
        var least = new double[references.Pictures.Count, answers.Pictures.Count];
        for (int i = 0; i < least.GetLength(0); i++)
        {
            for (int j = 0; j < least.GetLength(1); j++) least[i, j] = inner.Maximum;
        }
        var prepared = inner.Prepare(answers.Pictures);
        foreach (var variant in Variants)
        {
            double[,] distances = inner.Matrix(inner.Prepare([.. references.Pictures.Select(variant)]), prepared);
            for (int i = 0; i < least.GetLength(0); i++)
            {
                for (int j = 0; j < least.GetLength(1); j++) least[i, j] = Math.Min(least[i, j], distances[i, j]);
            }
        }
        return least;
    }

    private static IEnumerable<Func<RgbImage, RgbImage>> Variants =>
        from mirrored in new[] { false, true }
        from down in new[] { 0, -1, 1 }
        from right in new[] { 0, -1, 1 }
        select (Func<RgbImage, RgbImage>)(picture => Moved(picture, mirrored, right, down));

    private static RgbImage Moved(RgbImage picture, bool mirrored, int right, int down)
    {
        if (!mirrored && right == 0 && down == 0) return picture;
        int width = picture.Width, height = picture.Height;
        int dx = right * Math.Max(1, width / Step), dy = down * Math.Max(1, height / Step);
        var moved = new RgbImage(width, height, new byte[picture.Pixels.Length]);
        for (int y = 0; y < height; y++)
        {
            int row = Math.Clamp(y - dy, 0, height - 1) * width;
            for (int x = 0; x < width; x++)
            {
                int column = Math.Clamp(x - dx, 0, width - 1);
                picture.Pixels.AsSpan(3 * (row + (mirrored ? width - 1 - column : column)), 3).CopyTo(moved.Pixels.AsSpan(3 * (y * width + x)));
            }
        }
        return moved;
    }
}
