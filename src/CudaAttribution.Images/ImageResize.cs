namespace CudaAttribution.Images;

/// <summary>
/// Resizing with the same bits on every machine. Each axis is treated on its own: area average where it shrinks, Catmull-Rom bicubic
/// where it grows, a copy where it stays. All arithmetic is on integers (weights over a common denominator) and each output byte is rounded
/// once, half upwards, so neither the processor nor the order of the two passes can change a result.
/// An area average is therefore the correctly rounded mean; a bicubic value is within 0.502 of the real-valued one.
/// </summary>
public static class ImageResize
{
    // Distinct for the four consecutive rows of a bicubic kernel, so that enlarging computes each source row once.
    private const int CachedRows = 4;

    /// <summary>Resizes to <paramref name="width"/> x <paramref name="height"/> pixels, each axis on its own.</summary>
    public static RgbImage Resize(this RgbImage image, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (width == image.Width && height == image.Height) return image;
        ResizeAxis across = ResizeAxis.Create(image.Width, width), down = ResizeAxis.Create(image.Height, height);
        // At most 255 * 2 * (byte array length) * 2^20 in magnitude, below 2^61.
        long denominator = across.Denominator * down.Denominator;
        var result = new byte[checked(3 * width * height)];
        var rows = new (int Source, long[] Values)[CachedRows];
        for (int k = 0; k < CachedRows; k++) rows[k] = (-1, new long[3 * width]);
        var sums = new long[3 * width];
        for (int y = 0; y < height; y++)
        {
            Array.Clear(sums);
            for (int tap = down.Offsets[y]; tap < down.Offsets[y + 1]; tap++)
            {
                int source = down.Sources[tap];
                ref (int Source, long[] Values) row = ref rows[source % CachedRows];
                if (row.Source != source)
                {
                    AverageRow(image.Pixels.AsSpan(3 * source * image.Width, 3 * image.Width), across, row.Values);
                    row.Source = source;
                }
                long weight = down.Weights[tap];
                for (int i = 0; i < sums.Length; i++) sums[i] += weight * row.Values[i];
            }
            for (int i = 0; i < sums.Length; i++)
                result[3 * y * width + i] = sums[i] <= 0 ? (byte)0 : (byte)Math.Min(255, (2 * sums[i] + denominator) / (2 * denominator));
        }
        return new RgbImage(width, height, result);
    }

    /// <summary>Resizes to a square of <paramref name="size"/> x <paramref name="size"/> pixels.</summary>
    public static RgbImage ToSquare(this RgbImage image, int size, ResizeMode mode)
    {
        ArgumentNullException.ThrowIfNull(image);
        int width = image.Width, height = image.Height, side = Math.Min(width, height), longSide = Math.Max(width, height);
        if (width == height || mode == ResizeMode.Stretch) return image.Resize(size, size);
        switch (mode)
        {
            case ResizeMode.CropCentre:
                return image.Crop((width - side) / 2, (height - side) / 2, side, side).Resize(size, size);
            case ResizeMode.PadWhite:
                RgbImage inner = image.Resize(Scale(width), Scale(height)), square = RgbImage.Filled(size, size, 255, 255, 255);
                inner.CopyInto(square, (size - inner.Width) / 2, (size - inner.Height) / 2);
                return square;
            default:
                throw new ArgumentOutOfRangeException(nameof(mode), mode, "Unknown resize mode.");
        }

        int Scale(int length) => (int)Math.Max(1, (2L * length * size + longSide) / (2L * longSide));
    }

    private static void AverageRow(ReadOnlySpan<byte> source, ResizeAxis axis, long[] target)
    {
        for (int x = 0; 3 * x < target.Length; x++)
        {
            long red = 0, green = 0, blue = 0;
            for (int tap = axis.Offsets[x]; tap < axis.Offsets[x + 1]; tap++)
            {
                long weight = axis.Weights[tap];
                int at = 3 * axis.Sources[tap];
                red += weight * source[at];
                green += weight * source[at + 1];
                blue += weight * source[at + 2];
            }
            (target[3 * x], target[3 * x + 1], target[3 * x + 2]) = (red, green, blue);
        }
    }
}
