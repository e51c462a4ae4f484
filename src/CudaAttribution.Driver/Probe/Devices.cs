using System.Globalization;
using CudaAttribution.Driver.Cuda;
using CudaAttribution.Driver.Host;
#if MANAGEDCUDA
using CudaBinding = CudaAttribution.Driver.ManagedCuda.ManagedCudaDriver;
#else
using CudaBinding = CudaAttribution.Driver.Cuda.CudaDriver;
#endif

namespace CudaAttribution.Driver.Probe;

/// <summary>The device that <c>auto</c> stands for here, and why.</summary>
public sealed record AutoChoice(string Id, string Reason);

/// <summary>Opens devices by their name: <c>auto</c>, <c>cpu</c>, <c>simt</c>, <c>cuda</c>, <c>cuda:N</c>.</summary>
public static class Devices
{
    private const string CudaPrefix = "cuda:";

    /// <summary>The binding through which this build opens CUDA devices (build property CudaBinding).</summary>
    internal static ICudaApi Cuda => CudaBinding.Binding;

    /// <summary>Opens a device. The caller disposes it.</summary>
    /// <param name="id"><c>auto</c> is what <see cref="ChooseAuto"/> says; <c>cuda</c> means <c>cuda:0</c>.</param>
    /// <param name="threads">Threads of a host device, as <see cref="HostDriver.OpenCpu"/> takes them; null for its default.</param>
    /// <exception cref="DeviceUnavailableException">
    /// The name is none of these, threads are asked of a GPU, or the device cannot be opened here; the message says why.
    /// </exception>
    /// <exception cref="NativeLibraryException">A native library is missing; the message lists each path tried.</exception>
    public static IDevice Open(string id, int? threads = null) => id switch
    {
        "auto" => Open(ChooseAuto().Id, threads),
        HostDriver.CpuId => HostDriver.OpenCpu(threads),
        HostDriver.SimtId => HostDriver.OpenSimt(threads),
        "cuda" => OpenCuda(0, threads),
        _ when id.StartsWith(CudaPrefix, StringComparison.Ordinal)
            && int.TryParse(id.AsSpan(CudaPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int ordinal)
            => OpenCuda(ordinal, threads),
        _ => throw Refusal($"unknown device '{id}': use auto, cpu, simt, cuda or cuda:N"),
    };

    private static IDevice OpenCuda(int ordinal, int? threads) => threads is null
        ? CudaBinding.Open(ordinal)
        : throw Refusal($"{CudaPrefix}{ordinal} takes no number of threads: only cpu and simt compute with the host's");

    private static DeviceUnavailableException Refusal(string message) =>
        new(DeviceStatus.InvalidDevice, DeviceErrors.CodeName(DeviceStatus.InvalidDevice), message);

    /// <summary>The first CUDA device where the driver shows one that fits, otherwise <c>cpu</c>. Nothing is opened.</summary>
    public static AutoChoice ChooseAuto()
    {
        try
        {
            DeviceInfo info = CudaDevices.Describe(Cuda, 0).Info;
            return new AutoChoice(info.Id, $"{info.Name} ({info.InstructionSet}) is there");
        }
        catch (DeviceUnavailableException e)
        {
            return new AutoChoice(HostDriver.CpuId, $"no CUDA device can be used: {e.Message}");
        }
    }
}
