using System.Runtime.InteropServices;
using CudaAttribution.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Memory;
using SixLabors.ImageSharp.PixelFormats;

namespace CudaAttribution.Data.Codecs;

/// <summary>Runs one of ImageSharp's decoders, named by the caller, on a file that was checked; no decoder is looked for by content.</summary>
internal static class PixelReader
{
    // The largest buffer a picture of ImageCodecs.MostPixels needs: 8 bytes a pixel, of a PNG of 16 bits.
    private const int LargestBufferMegabytes = 512, KeptMegabytes = 32;

    private static readonly Configuration Bounded = new()
    {
        MemoryAllocator = MemoryAllocator.Create(
            new MemoryAllocatorOptions { AllocationLimitMegabytes = LargestBufferMegabytes, MaximumPoolSizeMegabytes = KeptMegabytes }),
    };

    public static RgbaImage Read(IImageDecoder decoder, byte[] file)
    {
        using Image<Rgba32> image = Load<Rgba32>(decoder, file);
        var rgba = new byte[4 * image.Width * image.Height];
        image.CopyPixelDataTo(rgba);
        return new RgbaImage(image.Width, image.Height, rgba);
    }

    /// <summary>Whether a file decodes to these pixels.</summary>
    public static bool Gives(IImageDecoder decoder, byte[] file, RgbaImage expected)
    {
        using Image<Rgba32> image = Load<Rgba32>(decoder, file);
        bool same = (image.Width, image.Height) == (expected.Width, expected.Height);
        image.ProcessPixelRows(rows =>
        {
            for (int y = 0; same && y < rows.Height; y++)
            {
                ReadOnlySpan<byte> row = MemoryMarshal.AsBytes(rows.GetRowSpan(y));
                same = row.SequenceEqual(expected.Pixels.AsSpan(row.Length * y, row.Length));
            }
        });
        return same;
    }

    /// <exception cref="ImageDecodeException">The decoder refuses the file.</exception>
    public static Image<TPixel> Load<TPixel>(IImageDecoder decoder, byte[] file)
        where TPixel : unmanaged, IPixel<TPixel>
    {
        try
        {
            return decoder.Decode<TPixel>(Bounded, new MemoryStream(file, writable: false), CancellationToken.None);
        }
        catch (NotSupportedException e)
        {
            throw FileProblem.NotSupported(e.Message, e);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Wrong coded data end in ImageSharp as an error of its own, or of an index, an argument, a reference or arithmetic.
            throw FileProblem.Damaged(e.Message.ReplaceLineEndings(" "), e);
        }
    }
}
