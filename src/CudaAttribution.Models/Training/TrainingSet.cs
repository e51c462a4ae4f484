using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace CudaAttribution.Models.Training;

/// <summary>Captioned pictures of one size, as bytes.</summary>
public sealed class TrainingSet
{
    private readonly byte[] _pixels;

    /// <param name="pixels">RGB, row-major <c>[captions.Count, height, width, 3]</c>.</param>
    /// <param name="height">Rows of a picture.</param>
    /// <param name="width">Columns of a picture.</param>
    /// <param name="captions">One per picture.</param>
    /// <exception cref="ArgumentException">There is no picture, or the bytes are not as many as the captions say.</exception>
    public TrainingSet(byte[] pixels, int height, int width, IReadOnlyList<string> captions)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (captions.Count == 0) throw new ArgumentException("the training set is empty: give at least one captioned picture", nameof(captions));
        long expected = (long)captions.Count * height * width * 3;
        if (pixels.LongLength != expected)
        {
            throw new ArgumentException(
                $"{captions.Count} captions for pictures of {height}x{width}x3 need {expected} bytes, {pixels.LongLength} are given",
                nameof(pixels));
        }
        (_pixels, Height, Width, Captions) = (pixels, height, width, [.. captions]);
    }

    public int Count => Captions.Count;

    public int Height { get; }

    public int Width { get; }

    public IReadOnlyList<string> Captions { get; }

    /// <summary>Bytes of one picture.</summary>
    public int PictureBytes => Height * Width * 3;

    /// <summary>The pixels of picture <paramref name="index"/>, <c>[height, width, 3]</c>.</summary>
    public ReadOnlySpan<byte> Picture(int index) => _pixels.AsSpan(checked(index * PictureBytes), PictureBytes);

    /// <summary>SHA-256 over sizes, captions and pixels, lower-case hexadecimal.</summary>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[4];
        foreach (int value in (int[])[Count, Height, Width])
        {
            BinaryPrimitives.WriteInt32LittleEndian(number, value);
            hash.AppendData(number);
        }
        foreach (string caption in Captions)
        {
            byte[] text = Encoding.UTF8.GetBytes(caption);
            BinaryPrimitives.WriteInt32LittleEndian(number, text.Length);
            hash.AppendData(number);
            hash.AppendData(text);
        }
        hash.AppendData(_pixels);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
