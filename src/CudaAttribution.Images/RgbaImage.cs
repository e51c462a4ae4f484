namespace CudaAttribution.Images;

/// <summary>A decoded 8-bit picture with alpha, not premultiplied: Height x Width x 4 bytes, rows from the top, no padding.</summary>
public sealed class RgbaImage
{
    /// <param name="width">Pixels in a row, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="pixels">Height x width x 4 bytes; the picture keeps this array.</param>
    public RgbaImage(int width, int height, byte[] pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (pixels.LongLength != 4L * width * height)
        {
            throw new ArgumentException(
                $"A {width} x {height} RGBA picture has {4L * width * height} bytes, not {pixels.LongLength}.",
                nameof(pixels));
        }
        Width = width;
        Height = height;
        Pixels = pixels;
    }

    public int Width { get; }

    public int Height { get; }

    public byte[] Pixels { get; }

    /// <summary>
    /// The picture over a white ground: (c a + 255 (255 - a)) / 255, rounded to the nearest integer. Exact: 255 is odd, so no sum
    /// lies half-way between two integers.
    /// </summary>
    public RgbImage OverWhite()
    {
        var rgb = new byte[3 * Width * Height];
        for (int source = 0, target = 0; target < rgb.Length; source += 4, target += 3)
        {
            int alpha = Pixels[source + 3], white = 255 * (255 - alpha) + 127;
            rgb[target] = (byte)((Pixels[source] * alpha + white) / 255);
            rgb[target + 1] = (byte)((Pixels[source + 1] * alpha + white) / 255);
            rgb[target + 2] = (byte)((Pixels[source + 2] * alpha + white) / 255);
        }
        return new RgbImage(Width, Height, rgb);
    }
}
