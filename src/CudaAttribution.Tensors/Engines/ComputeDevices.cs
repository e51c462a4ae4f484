using CudaAttribution.Driver;
using CudaAttribution.Driver.Planning;
using CudaAttribution.Driver.Probe;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Engines;

/// <summary>Opens devices with the engine of their matrix products and convolutions.</summary>
public static class ComputeDevices
{
    extension(ComputeDevice)
    {
        /// <summary>Opens a device.</summary>
        /// <param name="id"><c>auto</c> (a GPU where there is one, else <c>cpu</c>), <c>cpu</c>, <c>simt</c> or <c>cuda:N</c>.</param>
        /// <param name="math"><c>auto</c> or the name of one of <see cref="MathLibraries.All"/>.</param>
        /// <param name="guardBands">Test mode: fill each new tensor with NaN, surround it with a pattern and check that.</param>
        /// <param name="threads">Threads of a host device, and of the engine with it; null for its default.</param>
        /// <exception cref="DeviceUnavailableException">There is no such device here, or threads are asked of a GPU.</exception>
        /// <exception cref="NativeLibraryException">There is no such engine, or its library is missing or does not fit.</exception>
        public static ComputeDevice Open(string id = "auto", string math = "auto", bool guardBands = false, int? threads = null)
        {
            var driver = Devices.Open(id, threads);
            try
            {
                return new ComputeDevice(driver, guardBands, device => MathLibraries.Open(device, math));
            }
            catch
            {
                driver.Dispose();
                throw;
            }
        }

        /// <summary>
        /// A device that computes nothing and takes no memory, but accounts for it: its <see cref="Pool"/> is left as that of
        /// <paramref name="device"/> would be. Products and convolutions take what the project's kernels take, F32 or BF16; engines of others have memory
        /// of their own that no pool sees.
        /// </summary>
        /// <param name="device">What it stands in for; it must outlive it.</param>
        /// <param name="launched">Is told each launch.</param>
        public static ComputeDevice Planning(ComputeDevice device, Action<PlannedLaunch>? launched = null)
        {
            bool bf16 = device.Math is Bf16Math;
            return new ComputeDevice(
                new PlanningDriver(device.Driver, launched), guardBands: false, planned => bf16 ? new Bf16Math(planned) : new KernelMath(planned));
        }
    }
}
