using System.Runtime.InteropServices;

namespace CudaAttribution.Data.Codecs.Native;

/// <summary>The C interface of native/include/cuattr_image.h.</summary>
internal static unsafe partial class ImageNative
{
    public const string Library = "cuattr_image";

    public const int Abi = 1;

    public const int Ok = 0;
    public const int InvalidValue = 1;
    public const int OutOfMemory = 2;
    public const int NotSupported = 801;
    public const int NotAnImage = 2001;
    public const int TooLarge = 2002;
    public const int Damaged = 2003;

    static ImageNative() =>
        NativeLibrary.SetDllImportResolver(typeof(ImageNative).Assembly, (name, _, _) => name == Library ? NativeLibraryLocator.Load(name) : 0);

    [StructLayout(LayoutKind.Sequential)]
    public struct ImageInfo
    {
        public int Format, Width, Height;
    }

    [LibraryImport(Library, EntryPoint = "cuattr_image_abi_version")]
    public static partial int AbiVersion();

    [LibraryImport(Library, EntryPoint = "cuattr_image_last_error")]
    public static partial byte* LastError();

    [LibraryImport(Library, EntryPoint = "cuattr_image_describe")]
    public static partial int Describe(byte* buffer, int n);

    [LibraryImport(Library, EntryPoint = "cuattr_image_probe")]
    public static partial int Probe(byte* bytes, nuint n, ulong maxPixels, ImageInfo* info);

    [LibraryImport(Library, EntryPoint = "cuattr_image_decode")]
    public static partial int Decode(byte* bytes, nuint n, ulong maxPixels, byte* rgba, nuint rgbaBytes);

    [LibraryImport(Library, EntryPoint = "cuattr_image_encode_png")]
    public static partial int EncodePng(byte* rgb, int width, int height, byte** output, nuint* outputBytes);

    [LibraryImport(Library, EntryPoint = "cuattr_image_encode_jpeg")]
    public static partial int EncodeJpeg(byte* rgb, int width, int height, int quality, byte** output, nuint* outputBytes);

    [LibraryImport(Library, EntryPoint = "cuattr_image_encode_webp")]
    public static partial int EncodeWebP(byte* rgb, int width, int height, float quality, int lossless, byte** output, nuint* outputBytes);

    [LibraryImport(Library, EntryPoint = "cuattr_image_free")]
    public static partial void Free(byte* buffer);
}
