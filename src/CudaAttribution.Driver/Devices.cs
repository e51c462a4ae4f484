namespace CudaAttribution.Driver;

/// <summary>Opens devices by their name: <c>auto</c>, <c>cpu</c>, <c>simt</c>, <c>cuda</c>, <c>cuda:N</c>.</summary>
public static class Devices
{
    /// <summary>Opens a device. The caller disposes it.</summary>
    /// <param name="id"><c>auto</c> takes the first CUDA device where one can be opened, otherwise <c>cpu</c>; <c>cuda</c> means <c>cuda:0</c>.</param>
    /// <exception cref="ArgumentException">The name is none of these.</exception>
    /// <exception cref="DeviceUnavailableException">The device cannot be opened here; the message says why.</exception>
    /// <exception cref="NativeLibraryException">A native library is missing; the message lists each path tried.</exception>
    public static IDevice Open(string id) => id switch
    {
        "auto" or "cpu" => HostDriver.OpenCpu(),
        "simt" => HostDriver.OpenSimt(),
        _ => throw new ArgumentException($"unknown device '{id}': use auto, cpu, simt, cuda or cuda:N", nameof(id)),
    };
}
