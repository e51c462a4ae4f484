using System.Buffers.Binary;
using System.Reflection;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;

namespace CudaAttribution.Data;

/// <summary>
/// The codec on SixLabors.ImageSharp, without a native library: compiled only with <c>-p:ImageCodec=ImageSharp</c>.
/// Lossy pictures may decode to other pixels than with <see cref="NativeImageCodec"/>; <see cref="Name"/> tells them apart in a manifest.
/// </summary>
public sealed class ImageSharpImageCodec : IImageCodec
{
    private static readonly DecoderOptions Options = new()
    {
        Configuration = new Configuration(new PngConfigurationModule(), new JpegConfigurationModule(), new WebpConfigurationModule()),
        MaxFrames = 1,
        SkipMetadata = true,
    };

    public string Name { get; } = "ImageSharp "
        + typeof(Image).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;

    public RgbaImage Decode(ReadOnlySpan<byte> file, long maxPixels = ImageCodecs.DefaultMaxPixels)
    {
        long limit = Math.Min(maxPixels, Array.MaxLength / 4);
        try
        {
            ImageInfo info = Image.Identify(Options, file);
            if ((long)info.Width * info.Height > limit)
                throw new ImageDecodeException(
                    ImageDecodeError.TooLarge, $"the header states {info.Width} x {info.Height} pixels, the limit is {limit} pixels");
            if (!IsComplete(file)) throw new ImageDecodeException(ImageDecodeError.Damaged, "the file is cut short");
            using Image<Rgba32> image = Image.Load<Rgba32>(Options, file);
            var rgba = new byte[4 * image.Width * image.Height];
            image.CopyPixelDataTo(rgba);
            return new RgbaImage(image.Width, image.Height, rgba);
        }
        catch (UnknownImageFormatException e)
        {
            throw new ImageDecodeException(ImageDecodeError.NotAnImage, "the file is not a PNG, JPEG or WebP picture", e);
        }
        catch (ImageFormatException e)
        {
            throw new ImageDecodeException(ImageDecodeError.Damaged, $"the file is damaged or cut short ({e.Message})", e);
        }
        catch (NotSupportedException e)
        {
            throw new ImageDecodeException(ImageDecodeError.NotSupported, e.Message, e);
        }
    }

    public byte[] EncodePng(RgbImage image) => Encode(image, new PngEncoder
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
        return Encode(image, new JpegEncoder { Quality = quality, ColorType = JpegEncodingColor.YCbCrRatio420 });
    }

    public byte[] EncodeWebP(RgbImage image, int quality)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(quality);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        return Encode(image, new WebpEncoder { FileFormat = WebpFileFormatType.Lossy, Quality = quality, Method = WebpEncodingMethod.BestQuality });
    }

    public byte[] EncodeWebPLossless(RgbImage image) =>
        Encode(image, new WebpEncoder { FileFormat = WebpFileFormatType.Lossless, Quality = 100, Method = WebpEncodingMethod.BestQuality });

    private static byte[] Encode(RgbImage image, IImageEncoder encoder)
    {
        ArgumentNullException.ThrowIfNull(image);
        using Image<Rgb24> source = Image.LoadPixelData<Rgb24>(image.Pixels, image.Width, image.Height);
        using var stream = new MemoryStream();
        source.Save(stream, encoder);
        return stream.ToArray();
    }

    /// <summary>ImageSharp fills what a cut file lacks; so the end of the file is looked for in the container's own terms.</summary>
    private static bool IsComplete(ReadOnlySpan<byte> file)
    {
        if (file[0] == 0xff) return file.TrimEnd((byte)0).EndsWith((ReadOnlySpan<byte>)[0xff, 0xd9]);
        if (file[0] == 'R') return BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) + 8L <= file.Length;
        for (long at = 8; at + 12 <= file.Length;)
        {
            ReadOnlySpan<byte> chunk = file[(int)at..];
            long end = at + 12 + BinaryPrimitives.ReadUInt32BigEndian(chunk);
            if (chunk[4..8].SequenceEqual("IEND"u8)) return end <= file.Length;
            at = end;
        }
        return false;
    }
}
