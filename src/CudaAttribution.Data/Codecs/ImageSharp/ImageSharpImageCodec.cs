using System.Reflection;
using CudaAttribution.Data.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.Memory;
using SixLabors.ImageSharp.PixelFormats;

namespace CudaAttribution.Data.Codecs.ImageSharp;

/// <summary>
/// The codec on SixLabors.ImageSharp, without a native library: compiled only with <c>-p:ImageCodec=ImageSharp</c>.
/// JPEG pictures decode to slightly other pixels than with the native codec (chroma is not interpolated), the rest to the same;
/// <see cref="Name"/> tells the codecs apart in a manifest.
/// </summary>
/// <remarks>
/// ImageSharp makes a picture of almost anything. So each file's container is checked here first, as
/// <see cref="IImageCodec.Decode"/> promises: checksums, ends, sizes. JPEG and WebP have no checksums of their own; there, unlike the
/// native codec, coded data that are wrong without being too short may give a wrong picture instead of an error.
/// </remarks>
public sealed class ImageSharpImageCodec : IImageCodec
{
    private const int MaxJpegSide = 65535, MaxWebPSide = 16383;

    private static readonly Configuration Formats = new(new PngConfigurationModule(), new JpegConfigurationModule(), new WebpConfigurationModule());

    /// <summary>Neither zeros, which ImageSharp fills with, nor a marker of JPEG.</summary>
    private static readonly byte[] Filler = [.. Enumerable.Repeat((byte)0xb6, 64)];

    private static readonly DecoderOptions Options = new() { Configuration = Formats, MaxFrames = 1, SkipMetadata = true };

    public string Name { get; } = "ImageSharp "
        + typeof(Image).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;

    public RgbaImage Decode(ReadOnlySpan<byte> file, long maxPixels = ImageCodecs.DefaultMaxPixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxPixels);
        long limit = Math.Min(maxPixels, Array.MaxLength / 4);
        if (file.StartsWith(PngContainer.Signature)) return DecodePng(PngContainer.Read(file, limit));
        if (file.StartsWith(JpegContainer.Signature)) return DecodeTwice(JpegContainer.Read(file, limit).ToBytes);
        if (WebPContainer.Matches(file)) return DecodeTwice(WebPContainer.Read(file, limit).ToBytes);
        throw new ImageDecodeException(
            ImageDecodeError.NotAnImage, file.IsEmpty ? "the file is empty" : "the file is not a PNG, JPEG or WebP picture");
    }

    public byte[] EncodePng(RgbImage image) => Encode(image, int.MaxValue, "PNG", new PngEncoder
    {
        ColorType = PngColorType.Rgb,
        BitDepth = PngBitDepth.Bit8,
        CompressionLevel = PngCompressionLevel.BestCompression,
        FilterMethod = PngFilterMethod.Adaptive,
        SkipMetadata = true,
    });

    public byte[] EncodeJpeg(RgbImage image, int quality)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quality, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        return Encode(image, MaxJpegSide, "JPEG", new JpegEncoder { Quality = quality, ColorType = JpegEncodingColor.YCbCrRatio420 });
    }

    public byte[] EncodeWebP(RgbImage image, int quality)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(quality);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        return Encode(image, MaxWebPSide, "WebP", new WebpEncoder
        {
            FileFormat = WebpFileFormatType.Lossy,
            Quality = quality,
            Method = WebpEncodingMethod.BestQuality,
        });
    }

    // Quality is effort here. More of it, or a better method, gives larger files: 100 with BestQuality one and a half times as large, after
    // a hundred times as long, and fails for one small picture in seventy (ImageSharp 3.1.12).
    public byte[] EncodeWebPLossless(RgbImage image) => Encode(image, MaxWebPSide, "WebP", new WebpEncoder
    {
        FileFormat = WebpFileFormatType.Lossless,
        Quality = 75,
        Method = WebpEncodingMethod.Default,
    });

    private static RgbaImage DecodePng(PngContainer png)
    {
        // The product that ImageSharp computes in 32 bits; where it wraps, the picture would be blank.
        PngHeader header = png.Header;
        if ((long)header.Width * header.BitDepth * Math.Max(1, header.Channels * header.BitDepth / 8) > int.MaxValue)
            throw FileProblem.NotSupported($"PNG: a row of {header.Width} pixels is too long for ImageSharp; cut the picture or save it with 8 bits");
        if (header.BitDepth < 16) return DecodeNarrow(png.ToBytes());
        // Decoded to 16 bits and cut to the high byte here: ImageSharp would round.
        using Image<Rgba64> wide = Load<Rgba64>(png.ToBytes());
        var rgba = new byte[4 * wide.Width * wide.Height];
        wide.ProcessPixelRows(rows =>
        {
            for (int y = 0; y < rows.Height; y++) Narrow(rows.GetRowSpan(y), png.WideTransparency, rgba.AsSpan(4 * rows.Width * y));
        });
        return new RgbaImage(wide.Width, wide.Height, rgba);
    }

    private static void Narrow(ReadOnlySpan<Rgba64> row, ushort[]? transparency, Span<byte> rgba)
    {
        for (int x = 0; x < row.Length; x++)
        {
            Rgba64 p = row[x];
            bool clear = transparency is not null && p.R == transparency[0] && p.G == transparency[1] && p.B == transparency[2];
            (rgba[4 * x], rgba[4 * x + 1], rgba[4 * x + 2]) = ((byte)(p.R >> 8), (byte)(p.G >> 8), (byte)(p.B >> 8));
            rgba[4 * x + 3] = clear ? (byte)0 : (byte)(p.A >> 8);
        }
    }

    /// <summary>
    /// A picture whose coded data run out is filled by ImageSharp without a word. So it is decoded twice, with other bytes behind its
    /// data: where these make a difference, the data were too short.
    /// </summary>
    private static RgbaImage DecodeTwice(Func<ReadOnlySpan<byte>, byte[]> fileWith)
    {
        RgbaImage image = DecodeNarrow(fileWith([]));
        if (!image.Pixels.AsSpan().SequenceEqual(DecodeNarrow(fileWith(Filler)).Pixels))
            throw FileProblem.Damaged("the coded data end too early");
        return image;
    }

    private static RgbaImage DecodeNarrow(byte[] file)
    {
        using Image<Rgba32> image = Load<Rgba32>(file);
        var rgba = new byte[4 * image.Width * image.Height];
        image.CopyPixelDataTo(rgba);
        return new RgbaImage(image.Width, image.Height, rgba);
    }

    private static Image<TPixel> Load<TPixel>(byte[] file)
        where TPixel : unmanaged, IPixel<TPixel>
    {
        try
        {
            return Image.Load<TPixel>(Options, file);
        }
        catch (NotSupportedException e)
        {
            throw FileProblem.NotSupported(e.Message, e);
        }
        catch (InvalidMemoryOperationException e)
        {
            throw new InsufficientMemoryException($"Image codec: {e.Message}", e);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Wrong coded data end in ImageSharp as an error of its own, or of an index, an argument, a reference or arithmetic.
            throw FileProblem.Damaged(e.Message, e);
        }
    }

    private static byte[] Encode(RgbImage image, int maxSide, string format, IImageEncoder encoder)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (Math.Max(image.Width, image.Height) > maxSide)
            throw new ArgumentException($"{format} encoder: a side of {image.Width} x {image.Height} is over the format's limit of {maxSide} pixels");
        using Image<Rgb24> source = Image.LoadPixelData<Rgb24>(Formats, image.Pixels, image.Width, image.Height);
        using var stream = new MemoryStream();
        source.Save(stream, encoder);
        return stream.ToArray();
    }
}
