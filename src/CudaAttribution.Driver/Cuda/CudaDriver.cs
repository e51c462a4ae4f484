namespace CudaAttribution.Driver.Cuda;

/// <summary>An NVIDIA GPU through this project's own imports of the CUDA driver API.</summary>
public sealed class CudaDriver : CudaDevice
{
    private CudaDriver(int ordinal)
        : base(Binding, ordinal)
    {
    }

    internal static ICudaApi Binding => CudaApi.Instance;

    /// <summary>Opens device <paramref name="ordinal"/> with the kernels embedded in this assembly.</summary>
    /// <inheritdoc cref="CudaDevice.CudaDevice(ICudaApi, int)" path="/exception"/>
    public static CudaDriver Open(int ordinal) => new(ordinal);
}
