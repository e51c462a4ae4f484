using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Engines;

/// <summary>The functions of cuDNN 9 or newer that the engine calls, and what their statuses mean.</summary>
/// <remarks>
/// These are the functions that take an algorithm by number (deprecated since cuDNN 9, whose new interface is the graph): only they let the caller
/// name a deterministic algorithm instead of receiving one.
/// </remarks>
internal sealed unsafe class CudnnFunctions
{
    private const int OldestMajor = 9;

    // cudnnStatus_t of cuDNN 9: 3000 to 3999 say "not supported", 4003 and 4004 are failed allocations.
    private const int HostAllocationFailed = 4003;
    private const int DeviceAllocationFailed = 4004;
    private const int MessageCapacity = 512;

    private readonly delegate* unmanaged[Cdecl]<int, byte*> _errorString;
    private readonly delegate* unmanaged[Cdecl]<byte*, nuint, void> _lastErrorString;

    public CudnnFunctions(VendorFunctions library)
    {
        Version = LibraryVersion.Require(library, "cudnnGetProperty", OldestMajor);
        _errorString = (delegate* unmanaged[Cdecl]<int, byte*>)library.Find("cudnnGetErrorString");
        _lastErrorString = (delegate* unmanaged[Cdecl]<byte*, nuint, void>)library.Find("cudnnGetLastErrorString");
        Create = (delegate* unmanaged[Cdecl]<nint*, int>)library.Find("cudnnCreate");
        Destroy = (delegate* unmanaged[Cdecl]<nint, int>)library.Find("cudnnDestroy");
        SetStream = (delegate* unmanaged[Cdecl]<nint, nint, int>)library.Find("cudnnSetStream");
        CreateTensor = (delegate* unmanaged[Cdecl]<nint*, int>)library.Find("cudnnCreateTensorDescriptor");
        SetTensor = (delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int>)library.Find("cudnnSetTensor4dDescriptor");
        DestroyTensor = (delegate* unmanaged[Cdecl]<nint, int>)library.Find("cudnnDestroyTensorDescriptor");
        CreateFilter = (delegate* unmanaged[Cdecl]<nint*, int>)library.Find("cudnnCreateFilterDescriptor");
        SetFilter = (delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int>)library.Find("cudnnSetFilter4dDescriptor");
        DestroyFilter = (delegate* unmanaged[Cdecl]<nint, int>)library.Find("cudnnDestroyFilterDescriptor");
        CreateConvolution = (delegate* unmanaged[Cdecl]<nint*, int>)library.Find("cudnnCreateConvolutionDescriptor");
        SetConvolution = (delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int, int, int>)
            library.Find("cudnnSetConvolution2dDescriptor");
        SetConvolutionMath = (delegate* unmanaged[Cdecl]<nint, int, int>)library.Find("cudnnSetConvolutionMathType");
        DestroyConvolution = (delegate* unmanaged[Cdecl]<nint, int>)library.Find("cudnnDestroyConvolutionDescriptor");
        ForwardWorkspace = (delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int>)
            library.Find("cudnnGetConvolutionForwardWorkspaceSize");
        BackwardDataWorkspace = (delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int>)
            library.Find("cudnnGetConvolutionBackwardDataWorkspaceSize");
        BackwardFilterWorkspace = (delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int>)
            library.Find("cudnnGetConvolutionBackwardFilterWorkspaceSize");
        Forward = (delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int>)
            library.Find("cudnnConvolutionForward");
        BackwardData = (delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int>)
            library.Find("cudnnConvolutionBackwardData");
        BackwardFilter = (delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int>)
            library.Find("cudnnConvolutionBackwardFilter");
    }

    public string Version { get; }

    public delegate* unmanaged[Cdecl]<nint*, int> Create { get; }

    public delegate* unmanaged[Cdecl]<nint, int> Destroy { get; }

    public delegate* unmanaged[Cdecl]<nint, nint, int> SetStream { get; }

    public delegate* unmanaged[Cdecl]<nint*, int> CreateTensor { get; }

    /// <summary>descriptor, format, type, n, c, h, w.</summary>
    public delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int> SetTensor { get; }

    public delegate* unmanaged[Cdecl]<nint, int> DestroyTensor { get; }

    public delegate* unmanaged[Cdecl]<nint*, int> CreateFilter { get; }

    /// <summary>descriptor, type, format, k, c, h, w.</summary>
    public delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int> SetFilter { get; }

    public delegate* unmanaged[Cdecl]<nint, int> DestroyFilter { get; }

    public delegate* unmanaged[Cdecl]<nint*, int> CreateConvolution { get; }

    /// <summary>descriptor, padding h and w, stride h and w, dilation h and w, mode, type.</summary>
    public delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int, int, int> SetConvolution { get; }

    public delegate* unmanaged[Cdecl]<nint, int, int> SetConvolutionMath { get; }

    public delegate* unmanaged[Cdecl]<nint, int> DestroyConvolution { get; }

    /// <summary>handle, x, w, convolution, y, algorithm, bytes.</summary>
    public delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int> ForwardWorkspace { get; }

    /// <summary>handle, w, dy, convolution, dx, algorithm, bytes.</summary>
    public delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int> BackwardDataWorkspace { get; }

    /// <summary>handle, x, dy, convolution, dw, algorithm, bytes.</summary>
    public delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int> BackwardFilterWorkspace { get; }

    /// <summary>handle, alpha, x, w (descriptor and array each), convolution, algorithm, workspace, its bytes, beta, y.</summary>
    public delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int> Forward { get; }

    /// <summary>handle, alpha, w, dy, convolution, algorithm, workspace, its bytes, beta, dx.</summary>
    public delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int> BackwardData { get; }

    /// <summary>handle, alpha, x, dy, convolution, algorithm, workspace, its bytes, beta, dw.</summary>
    public delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int> BackwardFilter { get; }

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
            Marshal.PtrToStringUTF8((nint)_errorString(status)) ?? $"CUDNN_STATUS {status}",
            $"cuDNN {Version} could not {doing}{(detail.Length > 0 ? $": {detail}" : "")}");
    }
}
