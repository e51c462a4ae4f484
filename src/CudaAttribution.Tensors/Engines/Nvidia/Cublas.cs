namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>cuBLAS through one handle, whichever way its functions are called.</summary>
internal sealed unsafe class Cublas : ICublas
{
    // cublasOperation_t and cublasMath_t of cublas_api.h.
    private const int NoTranspose = 0;
    private const int Transpose = 1;
    private const int PedanticMath = 2;

    private readonly CublasFunctions _cublas;
    private nint _handle;

    public Cublas(CublasFunctions cublas, nint stream)
    {
        _cublas = cublas;
        nint handle;
        cublas.Check(cublas.Create(&handle), "start on this device; a driver older than the library is a usual reason");
        _handle = handle;
        try
        {
            cublas.Check(cublas.SetStream(handle, stream), "work on the device's stream");
            cublas.Check(cublas.SetMathMode(handle, PedanticMath), "compute without TF32");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Version => _cublas.Version;

    public void Sgemm(bool transposeA, bool transposeB, int m, int n, int k, nint a, int lda, nint b, int ldb, float beta, nint c, int ldc)
    {
        float one = 1;
        int status = _cublas.Sgemm(
            _handle, transposeA ? Transpose : NoTranspose, transposeB ? Transpose : NoTranspose, m, n, k, &one, a, lda, b, ldb, &beta, c, ldc);
        if (status != 0) throw _cublas.Error(status, $"multiply {m}x{k} by {k}x{n} (column-major)");
    }

    public void Dispose()
    {
        // A failed status is dropped: after a fault of the device every call fails, and the first failure has been reported.
        if (_handle != 0) _ = _cublas.Destroy(_handle);
        _handle = 0;
    }
}
