using System.Runtime.InteropServices;
using CudaAttribution.Driver;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>The functions of cuBLAS 12 or newer that the engine calls, one to one, and what their statuses mean.</summary>
/// <remarks>
/// A derived class says how the functions are called. The version and the names of statuses are read here for all of them: they are needed before
/// the library is used, and ManagedCuda declares neither <c>cublasGetProperty</c> nor <c>cublasGetStatusName</c> and <c>cublasGetStatusString</c>.
/// </remarks>
internal abstract unsafe class CublasFunctions
{
    private const int OldestMajor = 12;
    private const int AllocFailed = 3;

    private readonly delegate* unmanaged[Cdecl]<int, byte*> _statusName;
    private readonly delegate* unmanaged[Cdecl]<int, byte*> _statusString;

    protected CublasFunctions(VendorFunctions library)
    {
        Version = LibraryVersion.Require(library, "cublasGetProperty", OldestMajor);
        _statusName = (delegate* unmanaged[Cdecl]<int, byte*>)library.Find("cublasGetStatusName");
        _statusString = (delegate* unmanaged[Cdecl]<int, byte*>)library.Find("cublasGetStatusString");
    }

    /// <summary>As in <c>12.4.5</c>.</summary>
    public string Version { get; }

    public abstract int Create(nint* handle);

    public abstract int Destroy(nint handle);

    public abstract int SetStream(nint handle, nint stream);

    public abstract int SetMathMode(nint handle, int mode);

    /// <summary><c>cublasSgemm_v2</c>; alpha and beta are in host memory.</summary>
    public abstract int Sgemm(
        nint handle, int transposeA, int transposeB, int m, int n, int k,
        float* alpha, nint a, int lda, nint b, int ldb, float* beta, nint c, int ldc);

    /// <summary>Throws unless the call succeeded. <paramref name="doing"/> completes "could not ...".</summary>
    public void Check(int status, string doing)
    {
        if (status != 0) throw Error(status, doing);
    }

    public DeviceException Error(int status, string doing) => new(
        status == AllocFailed ? DeviceStatus.OutOfMemory : DeviceStatus.Unknown,
        Marshal.PtrToStringUTF8((nint)_statusName(status)) ?? $"CUBLAS_STATUS {status}",
        $"cuBLAS {Version} could not {doing}: {Marshal.PtrToStringUTF8((nint)_statusString(status))}");
}
