using CudaAttribution.Driver.Cuda;

namespace CudaAttribution.Driver.ManagedCuda;

/// <summary>
/// An NVIDIA GPU through the package ManagedCuda-12, on the device's primary context. <see cref="IStream.Handle"/> is the pointer of a
/// <c>CUstream</c>, an address that of a <c>CUdeviceptr</c>: ManagedCuda's other packages work on the same streams and memory.
/// </summary>
public sealed class ManagedCudaDriver : CudaDevice
{
    private ManagedCudaDriver(int ordinal)
        : base(Binding, ordinal)
    {
    }

    internal static ICudaApi Binding => ManagedCudaApi.Instance;

    /// <summary>Opens device <paramref name="ordinal"/> with the kernels embedded in this assembly.</summary>
    /// <inheritdoc cref="CudaDevice.CudaDevice(ICudaApi, int)" path="/exception"/>
    public static ManagedCudaDriver Open(int ordinal) => new(ordinal);
}
