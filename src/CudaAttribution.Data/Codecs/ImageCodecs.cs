using System.Reflection;
using CudaAttribution.Images;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;

namespace CudaAttribution.Data.Codecs;

/// <summary>Reads and writes picture files with SixLabors.ImageSharp; may be used from several threads at once.</summary>
/// <remarks>
/// ImageSharp makes a picture of almost anything. So each file is read here first, to its end: sizes, checksums, the order of its parts and the length
/// of its coded data. ImageSharp gets what makes the pixels and nothing else. docs/security.md states the bounds.
/// </remarks>
public static class ImageCodecs
{
    /// <summary>64 Mi pixels (8,192 x 8,192), the most that is decoded: 256 MiB.</summary>
    public const long MostPixels = 1L << 26;

    /// <summary>The longest side of a WebP that is written; the format allows one pixel more, ImageSharp's encoder does not.</summary>
    public const int MostWebPSide = 16382;

    private const int MaxJpegSide = 65535;

    /// <summary>The library behind the codecs and its version, for manifests.</summary>
    public static string Name { get; } = "ImageSharp "
        + typeof(Image).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];

    /// <summary>
    /// Decodes a whole PNG, JPEG or WebP file. Greys and palettes become RGB, tRNS becomes alpha (one that does not fit the header is left out), 16-bit
    /// samples keep their high byte; gamma, colour profiles and EXIF orientation are not applied. Of an animated PNG the still picture is read.
    /// </summary>
    /// <param name="file">The bytes of the file.</param>
    /// <param name="maxPixels">A file whose header states more pixels is refused before anything of its size is allocated.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxPixels"/> is negative or over <see cref="MostPixels"/>.</exception>
    /// <exception cref="ImageDecodeException">Not a picture, too large, truncated, damaged, or of a kind that is not read.</exception>
    public static RgbaImage Decode(ReadOnlySpan<byte> file, long maxPixels = MostPixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxPixels);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxPixels, MostPixels);
        if (file.StartsWith(PngContainer.Signature)) return PngContainer.Read(file, maxPixels).Decode();
        if (file.StartsWith(JpegContainer.Signature)) return JpegContainer.Read(file, maxPixels).Decode();
        if (WebPContainer.Matches(file)) return WebPContainer.Read(file, maxPixels).Decode();
        throw new ImageDecodeException(
            ImageDecodeError.NotAnImage, file.IsEmpty ? "the file is empty" : "the file is not a PNG, JPEG or WebP picture");
    }

    /// <summary>8-bit RGB PNG without ancillary chunks; the same picture gives the same bytes with the same library.</summary>
    public static byte[] EncodePng(RgbImage image) => Encode(image, int.MaxValue, "PNG", new PngEncoder
    {
        ColorType = PngColorType.Rgb,
        BitDepth = PngBitDepth.Bit8,
        CompressionLevel = PngCompressionLevel.BestCompression,
        FilterMethod = PngFilterMethod.Adaptive,
        IgnoreMetadata = true,
    });

    /// <summary>Baseline JPEG, 4:2:0, of quality 1 to 100.</summary>
    public static byte[] EncodeJpeg(RgbImage image, int quality)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(quality, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        return Encode(image, MaxJpegSide, "JPEG", new JpegEncoder { Quality = quality, ColorType = JpegColorType.YCbCrRatio420 });
    }

    /// <summary>Lossy WebP of quality 0 to 100.</summary>
    public static byte[] EncodeWebP(RgbImage image, int quality)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(quality);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        return Encode(image, MostWebPSide, "WebP", new WebpEncoder
        {
            FileFormat = WebpFileFormatType.Lossy,
            Quality = quality,
            Method = WebpEncodingMethod.BestQuality,
        });
    }

    /// <summary>Lossless WebP.</summary>
    public static byte[] EncodeWebPLossless(RgbImage image) => Encode(image, MostWebPSide, "WebP", new WebpEncoder
    {
        FileFormat = WebpFileFormatType.Lossless,
        Quality = 75,
        Method = WebpEncodingMethod.Default,
    });

    private static byte[] Encode(RgbImage image, int maxSide, string format, IImageEncoder encoder)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (Math.Max(image.Width, image.Height) > maxSide)
            throw new ArgumentException($"{format} encoder: a side of {image.Width} x {image.Height} is over the limit of {maxSide} pixels");
        using var source = Image.LoadPixelData<Rgb24>(image.Pixels, image.Width, image.Height);
        using var stream = new MemoryStream();
        encoder.Encode(source, stream);
        return stream.ToArray();
    }
}
