using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Images;

namespace CudaAttribution.Data.Datasets;

/// <summary>
/// SHA-256 over what a model can learn from a data set. Hashed bytes: "cudattr-dataset-1", then per picture in ordinal order of ids: the id
/// and the caption, each as UTF-8 after its length in bytes, width, height (all numbers 32-bit little-endian), and the RGB bytes.
/// </summary>
internal static class ContentHash
{
    public static string Compute(IEnumerable<CaptionedImage> items)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData("cudattr-dataset-1"u8);
        CaptionedImage[] ordered = [.. items.OrderBy(i => i.Id, StringComparer.Ordinal)];
        foreach ((CaptionedImage item, RgbImage image) in ordered.Zip(ordered.Select(i => i.Image).ReadAhead()))
        {
            AppendText(sha, item.Id);
            AppendText(sha, item.Caption);
            AppendNumber(sha, image.Width);
            AppendNumber(sha, image.Height);
            sha.AppendData(image.Pixels);
        }
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    private static void AppendText(IncrementalHash sha, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        AppendNumber(sha, bytes.Length);
        sha.AppendData(bytes);
    }

    private static void AppendNumber(IncrementalHash sha, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        sha.AppendData(bytes);
    }
}
