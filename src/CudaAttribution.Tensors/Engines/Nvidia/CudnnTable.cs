using System.Runtime.InteropServices;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>The project's own binding of cuDNN: a table of its addresses.</summary>
internal sealed unsafe class CudnnTable : CudnnFunctions
{
    private readonly delegate* unmanaged[Cdecl]<int, byte*> _errorString;
    private readonly delegate* unmanaged[Cdecl]<nint*, int> _create;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _destroy;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, int> _setStream;
    private readonly delegate* unmanaged[Cdecl]<nint*, int> _createTensor;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int> _setTensor;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _destroyTensor;
    private readonly delegate* unmanaged[Cdecl]<nint*, int> _createFilter;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int> _setFilter;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _destroyFilter;
    private readonly delegate* unmanaged[Cdecl]<nint*, int> _createConvolution;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int, int, int> _setConvolution;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int> _setConvolutionMath;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _destroyConvolution;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int> _forwardWorkspace;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int> _backwardDataWorkspace;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int> _backwardFilterWorkspace;
    private readonly delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int> _forward;
    private readonly delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int> _backwardData;
    private readonly delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int>
        _backwardFilter;

    public CudnnTable(VendorFunctions library)
        : base(library)
    {
        _errorString = (delegate* unmanaged[Cdecl]<int, byte*>)library.Find("cudnnGetErrorString");
        _create = (delegate* unmanaged[Cdecl]<nint*, int>)library.Find("cudnnCreate");
        _destroy = (delegate* unmanaged[Cdecl]<nint, int>)library.Find("cudnnDestroy");
        _setStream = (delegate* unmanaged[Cdecl]<nint, nint, int>)library.Find("cudnnSetStream");
        _createTensor = (delegate* unmanaged[Cdecl]<nint*, int>)library.Find("cudnnCreateTensorDescriptor");
        _setTensor = (delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int>)library.Find("cudnnSetTensor4dDescriptor");
        _destroyTensor = (delegate* unmanaged[Cdecl]<nint, int>)library.Find("cudnnDestroyTensorDescriptor");
        _createFilter = (delegate* unmanaged[Cdecl]<nint*, int>)library.Find("cudnnCreateFilterDescriptor");
        _setFilter = (delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int>)library.Find("cudnnSetFilter4dDescriptor");
        _destroyFilter = (delegate* unmanaged[Cdecl]<nint, int>)library.Find("cudnnDestroyFilterDescriptor");
        _createConvolution = (delegate* unmanaged[Cdecl]<nint*, int>)library.Find("cudnnCreateConvolutionDescriptor");
        _setConvolution = (delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, int, int, int, int>)
            library.Find("cudnnSetConvolution2dDescriptor");
        _setConvolutionMath = (delegate* unmanaged[Cdecl]<nint, int, int>)library.Find("cudnnSetConvolutionMathType");
        _destroyConvolution = (delegate* unmanaged[Cdecl]<nint, int>)library.Find("cudnnDestroyConvolutionDescriptor");
        _forwardWorkspace = (delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int>)
            library.Find("cudnnGetConvolutionForwardWorkspaceSize");
        _backwardDataWorkspace = (delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int>)
            library.Find("cudnnGetConvolutionBackwardDataWorkspaceSize");
        _backwardFilterWorkspace = (delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, int, nuint*, int>)
            library.Find("cudnnGetConvolutionBackwardFilterWorkspaceSize");
        _forward = (delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int>)
            library.Find("cudnnConvolutionForward");
        _backwardData = (delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int>)
            library.Find("cudnnConvolutionBackwardData");
        _backwardFilter = (delegate* unmanaged[Cdecl]<nint, float*, nint, nint, nint, nint, nint, int, nint, nuint, float*, nint, nint, int>)
            library.Find("cudnnConvolutionBackwardFilter");
    }

    public override int Create(nint* handle) => _create(handle);

    public override int Destroy(nint handle) => _destroy(handle);

    public override int SetStream(nint handle, nint stream) => _setStream(handle, stream);

    public override int CreateTensor(nint* descriptor) => _createTensor(descriptor);

    public override int SetTensor(nint descriptor, int format, int type, int n, int c, int h, int w) =>
        _setTensor(descriptor, format, type, n, c, h, w);

    public override int DestroyTensor(nint descriptor) => _destroyTensor(descriptor);

    public override int CreateFilter(nint* descriptor) => _createFilter(descriptor);

    public override int SetFilter(nint descriptor, int type, int format, int k, int c, int h, int w) =>
        _setFilter(descriptor, type, format, k, c, h, w);

    public override int DestroyFilter(nint descriptor) => _destroyFilter(descriptor);

    public override int CreateConvolution(nint* descriptor) => _createConvolution(descriptor);

    public override int SetConvolution(
        nint descriptor, int padH, int padW, int strideH, int strideW, int dilationH, int dilationW, int mode, int type) =>
        _setConvolution(descriptor, padH, padW, strideH, strideW, dilationH, dilationW, mode, type);

    public override int SetConvolutionMath(nint descriptor, int math) => _setConvolutionMath(descriptor, math);

    public override int DestroyConvolution(nint descriptor) => _destroyConvolution(descriptor);

    public override int ForwardWorkspace(nint handle, nint x, nint w, nint convolution, nint y, int algorithm, nuint* bytes) =>
        _forwardWorkspace(handle, x, w, convolution, y, algorithm, bytes);

    public override int BackwardDataWorkspace(nint handle, nint w, nint dy, nint convolution, nint dx, int algorithm, nuint* bytes) =>
        _backwardDataWorkspace(handle, w, dy, convolution, dx, algorithm, bytes);

    public override int BackwardFilterWorkspace(nint handle, nint x, nint dy, nint convolution, nint dw, int algorithm, nuint* bytes) =>
        _backwardFilterWorkspace(handle, x, dy, convolution, dw, algorithm, bytes);

    public override int Forward(
        nint handle, float* alpha, nint x, nint xData, nint w, nint wData,
        nint convolution, int algorithm, nint workspace, nuint bytes, float* beta, nint y, nint yData) =>
        _forward(handle, alpha, x, xData, w, wData, convolution, algorithm, workspace, bytes, beta, y, yData);

    public override int BackwardData(
        nint handle, float* alpha, nint w, nint wData, nint dy, nint dyData,
        nint convolution, int algorithm, nint workspace, nuint bytes, float* beta, nint dx, nint dxData) =>
        _backwardData(handle, alpha, w, wData, dy, dyData, convolution, algorithm, workspace, bytes, beta, dx, dxData);

    public override int BackwardFilter(
        nint handle, float* alpha, nint x, nint xData, nint dy, nint dyData,
        nint convolution, int algorithm, nint workspace, nuint bytes, float* beta, nint dw, nint dwData) =>
        _backwardFilter(handle, alpha, x, xData, dy, dyData, convolution, algorithm, workspace, bytes, beta, dw, dwData);

    protected override string? ErrorString(int status) => Marshal.PtrToStringUTF8((nint)_errorString(status));
}
