using System.Runtime.CompilerServices;

namespace CudaAttribution.Driver;

/// <summary>Typed launch: the parameter structure goes by pointer, nothing is boxed.</summary>
public static class KernelLaunch
{
    /// <summary>Launches with <typeparamref name="T"/> as the parameter structure, whose size must be the kernel's.</summary>
    public static unsafe void Launch<T>(this IKernel kernel, Grid grid, in T parameters, IStream stream)
        where T : unmanaged
    {
        if (kernel.ParameterBytes != 0 && kernel.ParameterBytes != Unsafe.SizeOf<T>())
        {
            throw new DeviceException(
                DeviceStatus.InvalidValue,
                "CUDA_ERROR_INVALID_VALUE",
                $"kernel {kernel.Name} takes {kernel.ParameterBytes} parameter bytes, {typeof(T).Name} has {Unsafe.SizeOf<T>()}");
        }
        T copy = parameters;
        kernel.Launch(grid, &copy, stream);
    }
}
