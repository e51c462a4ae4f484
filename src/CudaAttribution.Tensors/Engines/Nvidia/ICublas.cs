namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>What the engine needs of cuBLAS, bound to one stream; F32 in pedantic mode, so without TF32.</summary>
/// <remarks>The device's context is current when a method is called. A status other than success is a <see cref="Driver.DeviceException"/>.</remarks>
internal interface ICublas : IDisposable
{
    /// <summary>As in <c>12.4.5</c>.</summary>
    string Version { get; }

    /// <summary>C[m,n] = op(A)[m,k] · op(B)[k,n] + beta C, all column-major with the given distances between columns.</summary>
    void Sgemm(bool transposeA, bool transposeB, int m, int n, int k, nint a, int lda, nint b, int ldb, float beta, nint c, int ldc);
}
