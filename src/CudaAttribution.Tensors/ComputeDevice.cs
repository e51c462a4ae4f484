using CudaAttribution.Driver;
using CudaAttribution.Driver.Planning;

namespace CudaAttribution.Tensors;

/// <summary>
/// A device ready to compute: its driver, its memory pool, its kernels by name and the library for matrix products and convolutions.
/// </summary>
public sealed class ComputeDevice : IDisposable
{
    private readonly Dictionary<string, IKernel> _kernels = [];

    /// <param name="driver">The device; disposed with this.</param>
    /// <param name="guardBands">Test mode: fill each new tensor with NaN, surround it with a pattern and check that.</param>
    /// <param name="math">Makes the engine of matrix products and convolutions.</param>
    internal ComputeDevice(IDevice driver, bool guardBands, Func<ComputeDevice, IMathLibrary> math)
    {
        Driver = driver;
        Pool = new MemoryPool(driver, guardBands);
        Math = math(this);
    }

    public IDevice Driver { get; }

    public MemoryPool Pool { get; }

    /// <summary>The engine of matrix products and convolutions.</summary>
    public IMathLibrary Math { get; }

    public IStream Stream => Driver.DefaultStream;

    /// <summary>Whether it computes nothing and only accounts for memory, so that what is copied to it does not matter.</summary>
    public bool IsPlanning => Driver is PlanningDriver;

    /// <summary>Where the time of each launch is added up; null, as at first, for no measuring.</summary>
    public LaunchProfile? Profile { get; set; }

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
