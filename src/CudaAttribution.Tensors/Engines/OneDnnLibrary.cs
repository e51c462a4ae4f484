using System.Reflection;
using System.Runtime.InteropServices;
using CudaAttribution.Driver;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Tensors.Engines;

internal enum OneDnnDirection
{
    Forward = 0,
    BackwardData = 1,
    BackwardWeights = 2,
}

/// <summary>Binding of <c>native/include/cuattr_dnnl.h</c>.</summary>
internal static unsafe partial class OneDnnLibrary
{
    private const string Name = "cuattr_dnnl";
    private const string FileName = "libcuattr_dnnl.so";
    private const int AbiVersion = 1;

    static OneDnnLibrary()
    {
        NativeLibrary.SetDllImportResolver(
            Assembly.GetExecutingAssembly(),
            (name, _, _) => name == Name ? NativeLibraryLocator.Load(FileName).Handle : 0);
        int version = cuattr_dnnl_abi_version();
        if (version != AbiVersion)
        {
            throw new NativeLibraryException(
                $"{FileName} speaks interface version {version}, this program {AbiVersion}; rebuild both together");
        }
    }

    public static string Describe()
    {
        byte* buffer = stackalloc byte[128];
        Check(cuattr_dnnl_describe(buffer, 128), "describe");
        return Marshal.PtrToStringUTF8((nint)buffer)!;
    }

    public static void Convolve(in Conv2dShape s, OneDnnDirection direction, nint x, nint w, nint bias, nint y)
    {
        var shape = new Conv2d
        {
            N = s.N, H = s.H, W = s.W, C = s.C, O = s.O, Kernel = s.Kernel, Stride = s.Stride, PadBegin = s.PadBegin, PadEnd = s.PadEnd,
        };
        Check(cuattr_dnnl_convolve(&shape, (int)direction, x, w, bias, y), $"{direction} of {s}");
    }

    public static void Product(bool transposeA, bool transposeB, int m, int n, int k, nint a, nint b, nint bias, bool accumulate, nint c) =>
        Check(
            cuattr_dnnl_product(transposeA ? 1 : 0, transposeB ? 1 : 0, m, n, k, a, b, bias, accumulate ? 1f : 0f, c),
            $"product {m}x{n}x{k}");

    private static void Check(int status, string what)
    {
        if (status == 0) return;
        string reason = Marshal.PtrToStringUTF8(cuattr_dnnl_last_error()) ?? "";
        throw new DeviceException((DeviceStatus)status, $"status {status}", $"oneDNN {what}: {reason}");
    }

    [LibraryImport(Name)]
    private static partial int cuattr_dnnl_abi_version();

    [LibraryImport(Name)]
    private static partial nint cuattr_dnnl_last_error();

    [LibraryImport(Name)]
    private static partial int cuattr_dnnl_describe(byte* buffer, int n);

    [LibraryImport(Name)]
    private static partial int cuattr_dnnl_convolve(Conv2d* shape, int direction, nint x, nint w, nint bias, nint y);

    [LibraryImport(Name)]
    private static partial int cuattr_dnnl_product(
        int transposeA, int transposeB, int m, int n, int k, nint a, nint b, nint bias, float beta, nint c);

    [StructLayout(LayoutKind.Sequential)]
    private struct Conv2d
    {
        public int N, H, W, C, O, Kernel, Stride, PadBegin, PadEnd;
    }
}
