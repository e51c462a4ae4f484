using CudaAttribution.Driver.Libraries;
using CudaAttribution.Driver.ManagedCuda;
using ManagedCuda.BasicTypes;
using ManagedCuda.CudaBlas;
using Native = ManagedCuda.CudaBlas.CudaBlasNativeMethods;

namespace CudaAttribution.Tensors.Engines.Nvidia.ManagedCuda;

/// <summary>The binding of the package ManagedCuda-CUBLAS: its one-to-one declarations of cuBLAS.</summary>
internal sealed unsafe class ManagedCublas : CublasFunctions
{
    private static readonly string[] Functions =
        ["cublasCreate_v2", "cublasDestroy_v2", "cublasSetStream_v2", "cublasSetMathMode", "cublasSgemm_v2"];

    public ManagedCublas(VendorFunctions library)
        : base(library)
    {
        library.Require(Functions);
        ManagedCudaImports.Bind(library, typeof(Native).Assembly, "cublas64_12", "cublas");
    }

    public override int Create(nint* handle) => (int)Native.cublasCreate_v2(ref *(CudaBlasHandle*)handle);

    public override int Destroy(nint handle) => (int)Native.cublasDestroy_v2(Handle(handle));

    public override int SetStream(nint handle, nint stream) => (int)Native.cublasSetStream_v2(Handle(handle), new CUstream { Pointer = stream });

    public override int SetMathMode(nint handle, int mode) => (int)Native.cublasSetMathMode(Handle(handle), (ManagedCuda.CudaBlas.Math)mode);

    public override int Sgemm(
        nint handle, int transposeA, int transposeB, int m, int n, int k,
        float* alpha, nint a, int lda, nint b, int ldb, float* beta, nint c, int ldc) =>
        (int)Native.cublasSgemm_v2(
            Handle(handle), (Operation)transposeA, (Operation)transposeB, m, n, k,
            ref *alpha, Address(a), lda, Address(b), ldb, ref *beta, Address(c), ldc);

    private static CudaBlasHandle Handle(nint handle) => new() { Pointer = handle };

    private static CUdeviceptr Address(nint address) => new(new SizeT((nuint)address));
}
