using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Engines;

/// <summary>The one place that chooses the code which talks to cuBLAS and cuDNN.</summary>
internal static class NvidiaBindings
{
    /// <exception cref="NativeLibraryException">The library is missing, too old or lacks a function.</exception>
    /// <exception cref="DeviceException">It does not start on this device.</exception>
    public static ICublas OpenCublas(IStream stream) => new Cublas(VendorFunctions.LoadCublas(), stream.Handle);

    /// <inheritdoc cref="OpenCublas"/>
    public static ICudnn OpenCudnn(IStream stream) => new Cudnn(VendorFunctions.LoadCudnn(), stream.Handle);
}
