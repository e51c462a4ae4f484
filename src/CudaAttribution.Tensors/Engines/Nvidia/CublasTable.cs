using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>The project's own binding of cuBLAS: a table of its addresses.</summary>
internal sealed unsafe class CublasTable : CublasFunctions
{
    private readonly delegate* unmanaged[Cdecl]<nint*, int> _create;
    private readonly delegate* unmanaged[Cdecl]<nint, int> _destroy;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, int> _setStream;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int> _setMathMode;
    private readonly delegate* unmanaged[Cdecl]<
        nint, int, int, int, int, int, float*, nint, int, nint, int, float*, nint, int, int> _sgemm;

    public CublasTable(VendorFunctions library)
        : base(library)
    {
        _create = (delegate* unmanaged[Cdecl]<nint*, int>)library.Find("cublasCreate_v2");
        _destroy = (delegate* unmanaged[Cdecl]<nint, int>)library.Find("cublasDestroy_v2");
        _setStream = (delegate* unmanaged[Cdecl]<nint, nint, int>)library.Find("cublasSetStream_v2");
        _setMathMode = (delegate* unmanaged[Cdecl]<nint, int, int>)library.Find("cublasSetMathMode");
        _sgemm = (delegate* unmanaged[Cdecl]<nint, int, int, int, int, int, float*, nint, int, nint, int, float*, nint, int, int>)
            library.Find("cublasSgemm_v2");
    }

    public override int Create(nint* handle) => _create(handle);

    public override int Destroy(nint handle) => _destroy(handle);

    public override int SetStream(nint handle, nint stream) => _setStream(handle, stream);

    public override int SetMathMode(nint handle, int mode) => _setMathMode(handle, mode);

    public override int Sgemm(
        nint handle, int transposeA, int transposeB, int m, int n, int k,
        float* alpha, nint a, int lda, nint b, int ldb, float* beta, nint c, int ldc) =>
        _sgemm(handle, transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
