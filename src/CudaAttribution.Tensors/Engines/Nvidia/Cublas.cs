using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Engines;

/// <summary>Binding of cuBLAS 12 or newer: a table of its functions and one handle.</summary>
internal sealed unsafe class Cublas : ICublas
{
    private const int OldestMajor = 12;

    // cublasOperation_t, cublasMath_t and cublasStatus_t of cublas_api.h.
    private const int NoTranspose = 0;
    private const int Transpose = 1;
    private const int PedanticMath = 2;
    private const int AllocFailed = 3;

    private readonly delegate* unmanaged[Cdecl]<nint, int> _destroy;
    private readonly delegate* unmanaged[Cdecl]<int, byte*> _statusName;
    private readonly delegate* unmanaged[Cdecl]<int, byte*> _statusString;
    private readonly delegate* unmanaged[Cdecl]<
        nint, int, int, int, int, int, float*, nint, int, nint, int, float*, nint, int, int> _sgemm;

    private nint _handle;

    public Cublas(VendorFunctions library, nint stream)
    {
        Version = LibraryVersion.Require(library, "cublasGetProperty", OldestMajor);
        var create = (delegate* unmanaged[Cdecl]<nint*, int>)library.Find("cublasCreate_v2");
        var setStream = (delegate* unmanaged[Cdecl]<nint, nint, int>)library.Find("cublasSetStream_v2");
        var setMathMode = (delegate* unmanaged[Cdecl]<nint, int, int>)library.Find("cublasSetMathMode");
        _destroy = (delegate* unmanaged[Cdecl]<nint, int>)library.Find("cublasDestroy_v2");
        _statusName = (delegate* unmanaged[Cdecl]<int, byte*>)library.Find("cublasGetStatusName");
        _statusString = (delegate* unmanaged[Cdecl]<int, byte*>)library.Find("cublasGetStatusString");
        _sgemm = (delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, float*, nint, int, nint, int, float*, nint, int, int>)
            library.Find("cublasSgemm_v2");
        nint handle;
        Check(create(&handle), "start on this device; a driver older than the library is a usual reason");
        _handle = handle;
        try
        {
            Check(setStream(handle, stream), "work on the device's stream");
            Check(setMathMode(handle, PedanticMath), "compute without TF32");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Version { get; }

    public void Sgemm(bool transposeA, bool transposeB, int m, int n, int k, nint a, int lda, nint b, int ldb, float beta, nint c, int ldc)
    {
        float one = 1;
        int status = _sgemm(
            _handle, transposeA ? Transpose : NoTranspose, transposeB ? Transpose : NoTranspose, m, n, k, &one, a, lda, b, ldb, &beta, c, ldc);
        if (status != 0) throw Error(status, $"multiply {m}x{k} by {k}x{n} (column-major)");
    }

    public void Dispose()
    {
        // A failed status is dropped: after a fault of the device every call fails, and the first failure has been reported.
        if (_handle != 0) _ = _destroy(_handle);
        _handle = 0;
    }

    private void Check(int status, string doing)
    {
        if (status != 0) throw Error(status, doing);
    }

    private DeviceException Error(int status, string doing) => new(
        status == AllocFailed ? DeviceStatus.OutOfMemory : DeviceStatus.Unknown,
        Marshal.PtrToStringUTF8((nint)_statusName(status)) ?? $"CUBLAS_STATUS {status}",
        $"cuBLAS {Version} could not {doing}: {Marshal.PtrToStringUTF8((nint)_statusString(status))}");
}
