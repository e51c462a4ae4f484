#if IMAGESHARP
using CudaAttribution.Data.Codecs.ImageSharp;
#else
using CudaAttribution.Data.Codecs.Native;
#endif
using CudaAttribution.Data.Images;

namespace CudaAttribution.Data.Codecs;

/// <summary>Reads and writes picture files. Implementations may be used from several threads at once.</summary>
public interface IImageCodec
{
    /// <summary>The libraries behind the codec and their versions, for manifests.</summary>
    string Name { get; }

    /// <summary>
    /// Decodes a whole PNG, JPEG or WebP file. Greys and palettes become RGB, tRNS becomes alpha (one that does not fit the header is left
    /// out), 16-bit samples keep their high byte; gamma, colour profiles and EXIF orientation are not applied. Of an animated PNG the still
    /// picture is read.
    /// </summary>
    /// <param name="file">The bytes of the file.</param>
    /// <param name="maxPixels">A file whose header states more pixels than this is refused before anything of its size is allocated.</param>
    /// <exception cref="ImageDecodeException">Not a picture, too large, truncated, damaged, or of a kind that is not read.</exception>
    RgbaImage Decode(ReadOnlySpan<byte> file, long maxPixels = ImageCodecs.DefaultMaxPixels);

    /// <summary>8-bit RGB PNG without ancillary chunks; the same picture gives the same bytes with the same libraries.</summary>
    byte[] EncodePng(RgbImage image);

    /// <summary>Baseline JPEG, 4:2:0, of quality 1 to 100.</summary>
    byte[] EncodeJpeg(RgbImage image, int quality);

    /// <summary>Lossy WebP of quality 0 to 100.</summary>
    byte[] EncodeWebP(RgbImage image, int quality);

    /// <summary>Lossless WebP, as small as the library can make it.</summary>
    byte[] EncodeWebPLossless(RgbImage image);
}

/// <summary>The codec of this build.</summary>
public static class ImageCodecs
{
    /// <summary>64 Mi pixels (8,192 x 8,192): 256 MiB decoded.</summary>
    public const long DefaultMaxPixels = 1L << 26;

#if IMAGESHARP
    private static readonly Lazy<IImageCodec> Instance = new(() => new ImageSharpImageCodec());
#else
    private static readonly Lazy<IImageCodec> Instance = new(() => new NativeImageCodec());
#endif

    /// <summary>
    /// <see cref="NativeImageCodec"/>, or the ImageSharp codec where the program was built with <c>-p:ImageCodec=ImageSharp</c>.
    /// </summary>
    /// <exception cref="DllNotFoundException">The native library is missing; the message lists each path tried.</exception>
    public static IImageCodec Default => Instance.Value;
}
