using System.Buffers.Binary;
using CudaAttribution.Images;

namespace CudaAttribution.Data.Codecs;

/// <summary>
/// The transparency of a lossy WebP picture (ALPH chunk): a plane of bytes, stored plainly or as the green of a lossless picture without its header, each
/// row as differences from a prediction. ImageSharp's own reader gives other values for some files.
/// </summary>
internal static class WebPAlpha
{
    private const int Stored = 0, Lossless = 1, Horizontal = 1, Vertical = 2;

    /// <summary>Sets the alpha of each pixel.</summary>
    /// <param name="chunk">The content of the chunk.</param>
    /// <param name="image">The picture without transparency.</param>
    /// <exception cref="ImageDecodeException">The chunk is damaged.</exception>
    public static void Apply(ReadOnlySpan<byte> chunk, RgbaImage image)
    {
        byte kind = chunk[0];
        byte[] plane = (kind & 3) switch
        {
            Stored => ReadStored(chunk[1..], image.Width * image.Height),
            Lossless => ReadLossless(chunk[1..], image.Width, image.Height),
            _ => throw FileProblem.Damaged("WebP: the transparency is coded in an unknown way"),
        };
        Integrate(plane, image.Width, kind >> 2 & 3);
        for (int i = 0; i < plane.Length; i++) image.Pixels[4 * i + 3] = plane[i];
    }

    private static byte[] ReadStored(ReadOnlySpan<byte> bytes, int pixels) =>
        bytes.Length < pixels ? throw FileProblem.Damaged("WebP: the transparency ends too early") : bytes[..pixels].ToArray();

    private static byte[] ReadLossless(ReadOnlySpan<byte> coded, int width, int height)
    {
        byte[] picture = [WebPContainer.LosslessSignature, 0, 0, 0, 0, .. coded];
        BinaryPrimitives.WriteUInt32LittleEndian(picture.AsSpan(1), (uint)(width - 1 | height - 1 << 14));
        RgbaImage green = WebPContainer.DecodeChunk("VP8L", picture);
        var plane = new byte[width * height];
        for (int i = 0; i < plane.Length; i++) plane[i] = green.Pixels[4 * i + 1];
        return plane;
    }

    /// <summary>Differences become values. The first row is always predicted from the left, and the first of a row from above.</summary>
    private static void Integrate(Span<byte> plane, int width, int filter)
    {
        if (filter == 0) return;
        for (int x = 1; x < width; x++) plane[x] += plane[x - 1];
        for (int at = width; at < plane.Length; at++)
        {
            byte above = plane[at - width];
            if (filter == Vertical || at % width == 0) plane[at] += above;
            else if (filter == Horizontal) plane[at] += plane[at - 1];
            else plane[at] += (byte)Math.Clamp(plane[at - 1] + above - plane[at - width - 1], 0, 255);
        }
    }
}
