using CudaAttribution.Driver;
using CudaAttribution.Driver.Planning;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Tensors;

/// <summary>
/// A device ready to compute: its driver, its memory pool, its kernels by name and the library for matrix products and convolutions.
/// </summary>
public sealed class ComputeDevice : IDisposable
{
    private readonly Dictionary<string, IKernel> _kernels = [];

    private ComputeDevice(IDevice driver, bool guardBands)
    {
        Driver = driver;
        Pool = new MemoryPool(driver, guardBands);
        Math = new KernelMath(this);
    }

    public IDevice Driver { get; }

    public MemoryPool Pool { get; }

    /// <summary>The engine of matrix products and convolutions.</summary>
    public IMathLibrary Math { get; private set; }

    public IStream Stream => Driver.DefaultStream;

    /// <summary>
    /// Whether the kernels were compiled for one thread a block (the cpu build): some of them then work on larger tiles, to the same bits.
    /// </summary>
    public bool OneThreadPerBlock => Driver.Kernels.GetKernel("gemm_nn_f32").BlockSize == 1;

    /// <summary>Where the time of each launch is added up; null, as at first, for no measuring.</summary>
    public LaunchProfile? Profile { get; set; }

    /// <summary>Opens a device.</summary>
    /// <param name="id"><c>auto</c> (a GPU where there is one, else <c>cpu</c>), <c>cpu</c>, <c>simt</c> or <c>cuda:N</c>.</param>
    /// <param name="math"><c>auto</c> or the name of one of <see cref="MathLibraries.All"/>.</param>
    /// <param name="guardBands">Test mode: fill each new tensor with NaN, surround it with a pattern and check that.</param>
    /// <exception cref="DeviceUnavailableException">There is no such device here.</exception>
    /// <exception cref="NativeLibraryException">The engine's library is missing or does not fit.</exception>
    public static ComputeDevice Open(string id = "auto", string math = "auto", bool guardBands = false)
    {
        var driver = Devices.Open(id);
        try
        {
            var device = new ComputeDevice(driver, guardBands);
            device.Math = MathLibraries.Open(device, math);
            return device;
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
        var planned = new ComputeDevice(new PlanningDriver(device.Driver, launched), guardBands: false);
        if (device.Math is Bf16Math) planned.Math = new Bf16Math(planned);
        return planned;
    }

    /// <summary>Issues a kernel of the project's module.</summary>
    public void Launch<T>(string kernel, Grid grid, in T parameters)
        where T : unmanaged
    {
        if (grid.X == 0 || grid.Y == 0 || grid.Z == 0) return;
        if (!_kernels.TryGetValue(kernel, out var k)) _kernels[kernel] = k = Driver.Kernels.GetKernel(kernel);
        if (Profile is null) k.Launch(grid, in parameters, Stream);
        else Profile.Launch(Driver, k, grid, in parameters, Stream);
    }

    /// <summary>Waits for everything issued so far.</summary>
    public void Synchronize() => Stream.Synchronize();

    public void Dispose()
    {
        Math.Dispose();
        Pool.Dispose();
        Driver.Dispose();
    }
}
