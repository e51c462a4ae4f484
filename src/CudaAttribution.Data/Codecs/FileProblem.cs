namespace CudaAttribution.Data.Codecs;

/// <summary>The errors that the readers of the three formats share.</summary>
internal static class FileProblem
{
    public static ImageDecodeException Damaged(string detail, Exception? inner = null) =>
        new(ImageDecodeError.Damaged, $"the file is damaged or cut short ({detail})", inner);

    public static ImageDecodeException NotSupported(string detail, Exception? inner = null) => new(ImageDecodeError.NotSupported, detail, inner);

    /// <exception cref="ImageDecodeException">The header states no pixel, or more than <paramref name="maxPixels"/>.</exception>
    public static void CheckSize(long width, long height, long maxPixels)
    {
        if (width == 0 || height == 0) throw Damaged("the header states an empty picture");
        if (width > int.MaxValue || height > int.MaxValue || width * height > maxPixels)
            throw new ImageDecodeException(
                ImageDecodeError.TooLarge, $"the header states {width} x {height} pixels, the limit is {maxPixels} pixels");
    }
}
