using CudaAttribution.Driver.Libraries;
using CudaAttribution.Driver.ManagedCuda;
using ManagedCuda.BasicTypes;
using ManagedCuda.CudaDNN;
using Native = ManagedCuda.CudaDNN.CudaDNNNativeMethods;

namespace CudaAttribution.Tensors.Engines.Nvidia.ManagedCuda;

/// <summary>The binding of the package ManagedCuda-CudaDNN: its one-to-one declarations of cuDNN.</summary>
/// <remarks>
/// The package was made for cuDNN 7.6. The functions called here have the same declarations in cuDNN 9, but enumerations have grown since: values
/// are handed over as numbers, FMA mathematics (3) and the statuses of cuDNN 9 among them.
/// </remarks>
internal sealed unsafe class ManagedCudnn : CudnnFunctions
{
    private static readonly string[] Functions =
    [
        "cudnnGetErrorString",
        "cudnnCreate", "cudnnDestroy", "cudnnSetStream",
        "cudnnCreateTensorDescriptor", "cudnnSetTensor4dDescriptor", "cudnnDestroyTensorDescriptor",
        "cudnnCreateFilterDescriptor", "cudnnSetFilter4dDescriptor", "cudnnDestroyFilterDescriptor",
        "cudnnCreateConvolutionDescriptor", "cudnnSetConvolution2dDescriptor", "cudnnSetConvolutionMathType",
        "cudnnDestroyConvolutionDescriptor", "cudnnGetConvolutionForwardWorkspaceSize", "cudnnGetConvolutionBackwardDataWorkspaceSize",
        "cudnnGetConvolutionBackwardFilterWorkspaceSize", "cudnnConvolutionForward", "cudnnConvolutionBackwardData",
        "cudnnConvolutionBackwardFilter",
    ];

    public ManagedCudnn(VendorFunctions library)
        : base(library)
    {
        library.Require(Functions);
        ManagedCudaImports.Bind(library, typeof(Native).Assembly, "cudnn64_7.dll", "libcudnn.so.7");
    }

    public override int Create(nint* handle) => (int)Native.cudnnCreate(ref *(cudnnHandle*)handle);

    public override int Destroy(nint handle) => (int)Native.cudnnDestroy(Handle(handle));

    public override int SetStream(nint handle, nint stream) => (int)Native.cudnnSetStream(Handle(handle), new CUstream { Pointer = stream });

    public override int CreateTensor(nint* descriptor) => (int)Native.cudnnCreateTensorDescriptor(ref *(cudnnTensorDescriptor*)descriptor);

    public override int SetTensor(nint descriptor, int format, int type, int n, int c, int h, int w) =>
        (int)Native.cudnnSetTensor4dDescriptor(Tensor(descriptor), (cudnnTensorFormat)format, (cudnnDataType)type, n, c, h, w);

    public override int DestroyTensor(nint descriptor) => (int)Native.cudnnDestroyTensorDescriptor(Tensor(descriptor));

    public override int CreateFilter(nint* descriptor) => (int)Native.cudnnCreateFilterDescriptor(ref *(cudnnFilterDescriptor*)descriptor);

    public override int SetFilter(nint descriptor, int type, int format, int k, int c, int h, int w) =>
        (int)Native.cudnnSetFilter4dDescriptor(Filter(descriptor), (cudnnDataType)type, (cudnnTensorFormat)format, k, c, h, w);

    public override int DestroyFilter(nint descriptor) => (int)Native.cudnnDestroyFilterDescriptor(Filter(descriptor));

    public override int CreateConvolution(nint* descriptor) =>
        (int)Native.cudnnCreateConvolutionDescriptor(ref *(cudnnConvolutionDescriptor*)descriptor);

    public override int SetConvolution(
        nint descriptor, int padH, int padW, int strideH, int strideW, int dilationH, int dilationW, int mode, int type) =>
        (int)Native.cudnnSetConvolution2dDescriptor(
            Convolution(descriptor), padH, padW, strideH, strideW, dilationH, dilationW, (cudnnConvolutionMode)mode, (cudnnDataType)type);

    public override int SetConvolutionMath(nint descriptor, int math) =>
        (int)Native.cudnnSetConvolutionMathType(Convolution(descriptor), (cudnnMathType)math);

    public override int DestroyConvolution(nint descriptor) => (int)Native.cudnnDestroyConvolutionDescriptor(Convolution(descriptor));

    public override int ForwardWorkspace(nint handle, nint x, nint w, nint convolution, nint y, int algorithm, nuint* bytes) =>
        (int)Native.cudnnGetConvolutionForwardWorkspaceSize(
            Handle(handle), Tensor(x), Filter(w), Convolution(convolution), Tensor(y), (cudnnConvolutionFwdAlgo)algorithm, ref *(SizeT*)bytes);

    public override int BackwardDataWorkspace(nint handle, nint w, nint dy, nint convolution, nint dx, int algorithm, nuint* bytes) =>
        (int)Native.cudnnGetConvolutionBackwardDataWorkspaceSize(
            Handle(handle), Filter(w), Tensor(dy), Convolution(convolution), Tensor(dx), (cudnnConvolutionBwdDataAlgo)algorithm, ref *(SizeT*)bytes);

    public override int BackwardFilterWorkspace(nint handle, nint x, nint dy, nint convolution, nint dw, int algorithm, nuint* bytes) =>
        (int)Native.cudnnGetConvolutionBackwardFilterWorkspaceSize(
            Handle(handle), Tensor(x), Tensor(dy), Convolution(convolution), Filter(dw), (cudnnConvolutionBwdFilterAlgo)algorithm,
            ref *(SizeT*)bytes);

    public override int Forward(
        nint handle, float* alpha, nint x, nint xData, nint w, nint wData,
        nint convolution, int algorithm, nint workspace, nuint bytes, float* beta, nint y, nint yData) =>
        (int)Native.cudnnConvolutionForward(
            Handle(handle), ref *alpha, Tensor(x), Address(xData), Filter(w), Address(wData),
            Convolution(convolution), (cudnnConvolutionFwdAlgo)algorithm, Address(workspace), new SizeT(bytes),
            ref *beta, Tensor(y), Address(yData));

    public override int BackwardData(
        nint handle, float* alpha, nint w, nint wData, nint dy, nint dyData,
        nint convolution, int algorithm, nint workspace, nuint bytes, float* beta, nint dx, nint dxData) =>
        (int)Native.cudnnConvolutionBackwardData(
            Handle(handle), ref *alpha, Filter(w), Address(wData), Tensor(dy), Address(dyData),
            Convolution(convolution), (cudnnConvolutionBwdDataAlgo)algorithm, Address(workspace), new SizeT(bytes),
            ref *beta, Tensor(dx), Address(dxData));

    public override int BackwardFilter(
        nint handle, float* alpha, nint x, nint xData, nint dy, nint dyData,
        nint convolution, int algorithm, nint workspace, nuint bytes, float* beta, nint dw, nint dwData) =>
        (int)Native.cudnnConvolutionBackwardFilter(
            Handle(handle), ref *alpha, Tensor(x), Address(xData), Tensor(dy), Address(dyData),
            Convolution(convolution), (cudnnConvolutionBwdFilterAlgo)algorithm, Address(workspace), new SizeT(bytes),
            ref *beta, Filter(dw), Address(dwData));

    protected override string? ErrorString(int status) => Native.cudnnGetErrorString((cudnnStatus)status);

    private static cudnnHandle Handle(nint handle) => *(cudnnHandle*)&handle;

    private static cudnnTensorDescriptor Tensor(nint descriptor) => *(cudnnTensorDescriptor*)&descriptor;

    private static cudnnFilterDescriptor Filter(nint descriptor) => *(cudnnFilterDescriptor*)&descriptor;

    private static cudnnConvolutionDescriptor Convolution(nint descriptor) => *(cudnnConvolutionDescriptor*)&descriptor;

    private static CUdeviceptr Address(nint address) => new(new SizeT((nuint)address));
}
