namespace CudaAttribution.Images;

/// <summary>
/// An 8-bit RGB picture: <see cref="Pixels"/> holds Height x Width x 3 bytes, rows from the top, no padding.
/// Immutable by convention: nobody writes to <see cref="Pixels"/> after construction. Two pictures are equal if size and bytes are.
/// </summary>
public sealed class RgbImage : IPicture, IEquatable<RgbImage>
{
    /// <param name="width">Pixels in a row, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="pixels">Height x width x 3 bytes; the picture keeps this array, the caller gives it up.</param>
    /// <exception cref="ArgumentException">The array has another length.</exception>
    public RgbImage(int width, int height, byte[] pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (pixels.LongLength != 3L * width * height)
        {
            throw new ArgumentException(
                $"A {width} x {height} RGB picture has {3L * width * height} bytes, not {pixels.LongLength}.",
                nameof(pixels));
        }
        Width = width;
        Height = height;
        Pixels = pixels;
    }

    public int Width { get; }

    public int Height { get; }

    public byte[] Pixels { get; }

    RgbImage IPicture.Read() => this;

    /// <summary>A picture of one colour.</summary>
    public static RgbImage Filled(int width, int height, byte red, byte green, byte blue)
    {
        var pixels = new byte[checked(3 * width * height)];
        for (int i = 0; i < pixels.Length; i += 3)
            (pixels[i], pixels[i + 1], pixels[i + 2]) = (red, green, blue);
        return new RgbImage(width, height, pixels);
    }

    /// <summary>The rectangle of <paramref name="width"/> x <paramref name="height"/> pixels whose top left corner is (x, y).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The rectangle is not inside the picture.</exception>
    public RgbImage Crop(int x, int y, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(x);
        ArgumentOutOfRangeException.ThrowIfNegative(y);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(x, Width - width);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(y, Height - height);
        var result = new RgbImage(width, height, new byte[3 * width * height]);
        for (int row = 0; row < height; row++)
            Pixels.AsSpan(3 * ((y + row) * Width + x), 3 * width).CopyTo(result.Pixels.AsSpan(3 * row * width));
        return result;
    }

    /// <summary>
    /// Each pixel repeated as a square of <paramref name="factor"/> x <paramref name="factor"/>: for looking at, not for computing.
    /// </summary>
    public RgbImage Magnify(int factor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(factor, 1);
        if (factor == 1) return this;
        int width = checked(Width * factor), height = checked(Height * factor);
        var result = new RgbImage(width, height, new byte[checked(3 * width * height)]);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                Pixels.AsSpan(3 * (y / factor * Width + x / factor), 3).CopyTo(result.Pixels.AsSpan(3 * (y * width + x)));
        return result;
    }

    /// <summary>Copies this picture into <paramref name="target"/> with its top left corner at (x, y).</summary>
    public void CopyInto(RgbImage target, int x, int y)
    {
        for (int row = 0; row < Height; row++)
            Pixels.AsSpan(3 * row * Width, 3 * Width).CopyTo(target.Pixels.AsSpan(3 * ((y + row) * target.Width + x)));
    }

    public bool Equals(RgbImage? other) =>
        other is not null && Width == other.Width && Height == other.Height && Pixels.AsSpan().SequenceEqual(other.Pixels);

    public override bool Equals(object? obj) => Equals(obj as RgbImage);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(Width);
        hash.Add(Height);
        hash.AddBytes(Pixels);
        return hash.ToHashCode();
    }
}
