using System.Runtime.InteropServices;
using CudaAttribution.Data.Images;

namespace CudaAttribution.Data.Codecs.Native;

/// <summary>The codec on libspng, libjpeg-turbo and libwebp, through libcuattr_image.</summary>
public sealed unsafe class NativeImageCodec : IImageCodec
{
    private const float LosslessEffort = 100;

    private delegate int Encoder(byte* rgb, byte** output, nuint* outputBytes);

    /// <exception cref="DllNotFoundException">libcuattr_image or one of the libraries it needs is missing.</exception>
    /// <exception cref="InvalidOperationException">libcuattr_image is of another version than this assembly.</exception>
    public NativeImageCodec()
    {
        int abi = ImageNative.AbiVersion();
        if (abi != ImageNative.Abi)
        {
            throw new InvalidOperationException(
                $"The native library {ImageNative.Library} has interface version {abi}, this program needs {ImageNative.Abi}. "
                + "Build both from the same source.");
        }
        byte* text = stackalloc byte[256];
        Check(ImageNative.Describe(text, 256));
        Name = Marshal.PtrToStringUTF8((nint)text)!;
    }

    public string Name { get; }

    public RgbaImage Decode(ReadOnlySpan<byte> file, long maxPixels = ImageCodecs.DefaultMaxPixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxPixels);
        ulong limit = (ulong)Math.Min(maxPixels, Array.MaxLength / 4);
        fixed (byte* bytes = file)
        {
            ImageNative.ImageInfo info;
            Check(ImageNative.Probe(bytes, (nuint)file.Length, limit, &info));
            var rgba = new byte[4 * info.Width * info.Height];
            fixed (byte* output = rgba) Check(ImageNative.Decode(bytes, (nuint)file.Length, limit, output, (nuint)rgba.Length));
            return new RgbaImage(info.Width, info.Height, rgba);
        }
    }

    public byte[] EncodePng(RgbImage image) =>
        Encode(image, (rgb, output, n) => ImageNative.EncodePng(rgb, image.Width, image.Height, output, n));

    public byte[] EncodeJpeg(RgbImage image, int quality) =>
        Encode(image, (rgb, output, n) => ImageNative.EncodeJpeg(rgb, image.Width, image.Height, quality, output, n));

    public byte[] EncodeWebP(RgbImage image, int quality) =>
        Encode(image, (rgb, output, n) => ImageNative.EncodeWebP(rgb, image.Width, image.Height, quality, 0, output, n));

    public byte[] EncodeWebPLossless(RgbImage image) =>
        Encode(image, (rgb, output, n) => ImageNative.EncodeWebP(rgb, image.Width, image.Height, LosslessEffort, 1, output, n));

    private static byte[] Encode(RgbImage image, Encoder encoder)
    {
        ArgumentNullException.ThrowIfNull(image);
        byte* buffer = null;
        nuint n = 0;
        try
        {
            fixed (byte* rgb = image.Pixels) Check(encoder(rgb, &buffer, &n));
            return new ReadOnlySpan<byte>(buffer, checked((int)n)).ToArray();
        }
        finally
        {
            ImageNative.Free(buffer);
        }
    }

    private static void Check(int status)
    {
        if (status == ImageNative.Ok) return;
        string message = Marshal.PtrToStringUTF8((nint)ImageNative.LastError()) ?? "";
        throw status switch
        {
            ImageNative.NotAnImage => new ImageDecodeException(ImageDecodeError.NotAnImage, message),
            ImageNative.TooLarge => new ImageDecodeException(ImageDecodeError.TooLarge, message),
            ImageNative.Damaged => new ImageDecodeException(ImageDecodeError.Damaged, $"the file is damaged or cut short ({message})"),
            ImageNative.NotSupported => new ImageDecodeException(ImageDecodeError.NotSupported, message),
            ImageNative.InvalidValue => new ArgumentException(message),
            ImageNative.OutOfMemory => new InsufficientMemoryException($"Image codec: {message}"),
            _ => new InvalidOperationException($"Image codec: {message} (status {status})."),
        };
    }
}
