using System.Runtime.InteropServices;
using CudaAttribution.Driver;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>The functions of cuDNN 9 or newer that the engine calls, one to one, and what their statuses mean.</summary>
/// <remarks>
/// These are the functions that take an algorithm by number (deprecated since cuDNN 9, whose new interface is the graph): only they let the caller
/// name a deterministic algorithm instead of receiving one. A derived class says how they are called. The version and the sentence about the last
/// error are read here for all of them: ManagedCuda has <c>cudnnGetProperty</c> without its status and, as a wrapper of cuDNN 7, no
/// <c>cudnnGetLastErrorString</c>.
/// </remarks>
internal abstract unsafe class CudnnFunctions
{
    private const int OldestMajor = 9;

    // cudnnStatus_t of cuDNN 9: 3000 to 3999 say "not supported", 4003 and 4004 are failed allocations.
    private const int HostAllocationFailed = 4003;
    private const int DeviceAllocationFailed = 4004;
    private const int MessageCapacity = 512;

    private readonly delegate* unmanaged[Cdecl]<byte*, nuint, void> _lastErrorString;

    protected CudnnFunctions(VendorFunctions library)
    {
        Version = LibraryVersion.Require(library, "cudnnGetProperty", OldestMajor);
        _lastErrorString = (delegate* unmanaged[Cdecl]<byte*, nuint, void>)library.Find("cudnnGetLastErrorString");
    }

    /// <summary>As in <c>9.1.0</c>.</summary>
    public string Version { get; }

    public abstract int Create(nint* handle);

    public abstract int Destroy(nint handle);

    public abstract int SetStream(nint handle, nint stream);

    public abstract int CreateTensor(nint* descriptor);

    public abstract int SetTensor(nint descriptor, int format, int type, int n, int c, int h, int w);

    public abstract int DestroyTensor(nint descriptor);

    public abstract int CreateFilter(nint* descriptor);

    public abstract int SetFilter(nint descriptor, int type, int format, int k, int c, int h, int w);

    public abstract int DestroyFilter(nint descriptor);

    public abstract int CreateConvolution(nint* descriptor);

    public abstract int SetConvolution(
        nint descriptor, int padH, int padW, int strideH, int strideW, int dilationH, int dilationW, int mode, int type);

    public abstract int SetConvolutionMath(nint descriptor, int math);

    public abstract int DestroyConvolution(nint descriptor);

    public abstract int ForwardWorkspace(nint handle, nint x, nint w, nint convolution, nint y, int algorithm, nuint* bytes);

    public abstract int BackwardDataWorkspace(nint handle, nint w, nint dy, nint convolution, nint dx, int algorithm, nuint* bytes);

    public abstract int BackwardFilterWorkspace(nint handle, nint x, nint dy, nint convolution, nint dw, int algorithm, nuint* bytes);

    public abstract int Forward(
        nint handle, float* alpha, nint x, nint xData, nint w, nint wData,
        nint convolution, int algorithm, nint workspace, nuint bytes, float* beta, nint y, nint yData);

    public abstract int BackwardData(
        nint handle, float* alpha, nint w, nint wData, nint dy, nint dyData,
        nint convolution, int algorithm, nint workspace, nuint bytes, float* beta, nint dx, nint dxData);

    public abstract int BackwardFilter(
        nint handle, float* alpha, nint x, nint xData, nint dy, nint dyData,
        nint convolution, int algorithm, nint workspace, nuint bytes, float* beta, nint dw, nint dwData);

    public static bool IsNotSupported(int status) => status is >= 3000 and < 4000;

    /// <summary>Throws unless the call succeeded. <paramref name="doing"/> completes "could not ...".</summary>
    public void Check(int status, string doing)
    {
        if (status != 0) throw Error(status, doing);
    }

    public DeviceException Error(int status, string doing)
    {
        byte* message = stackalloc byte[MessageCapacity];
        message[0] = 0;
        _lastErrorString(message, MessageCapacity);
        string detail = Marshal.PtrToStringUTF8((nint)message)!.Trim();
        return new DeviceException(
            status is HostAllocationFailed or DeviceAllocationFailed ? DeviceStatus.OutOfMemory : DeviceStatus.Unknown,
            ErrorString(status) ?? $"CUDNN_STATUS {status}",
            $"cuDNN {Version} could not {doing}{(detail.Length > 0 ? $": {detail}" : "")}");
    }

    /// <summary>Name of a status, as in <c>CUDNN_STATUS_BAD_PARAM</c>.</summary>
    protected abstract string? ErrorString(int status);
}
