using CudaAttribution.Driver;
using CudaAttribution.Driver.Libraries;
#if MANAGEDCUDA
using CublasBinding = CudaAttribution.Tensors.Engines.Nvidia.ManagedCuda.ManagedCublas;
using CudnnBinding = CudaAttribution.Tensors.Engines.Nvidia.ManagedCuda.ManagedCudnn;
#else
using CublasBinding = CudaAttribution.Tensors.Engines.Nvidia.CublasTable;
using CudnnBinding = CudaAttribution.Tensors.Engines.Nvidia.CudnnTable;
#endif

namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>The one place that chooses the code which talks to cuBLAS and cuDNN (build property CudaBinding).</summary>
internal static class NvidiaBindings
{
    /// <summary>Follows the libraries in the engine's name: which binding they are called through, empty for the project's own.</summary>
    public const string Through =
#if MANAGEDCUDA
        " through ManagedCuda";
#else
        "";
#endif

    /// <exception cref="NativeLibraryException">The library is missing, too old, lacks a function or is not the one the binding gets.</exception>
    /// <exception cref="DeviceException">It does not start on this device.</exception>
    public static ICublas OpenCublas(IStream stream) => new Cublas(new CublasBinding(VendorFunctions.LoadCublas()), stream.Handle);

    /// <inheritdoc cref="OpenCublas"/>
    public static ICudnn OpenCudnn(IStream stream) => new Cudnn(new CudnnBinding(VendorFunctions.LoadCudnn()), stream.Handle);
}
