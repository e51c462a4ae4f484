using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Verification;

/// <summary>
/// Work recorded as a graph. Blocks of the device's memory pool that the work has given back belong to the graph all the same: until it is disposed
/// nothing else may take memory from the pool or trim it, since a replay would write over it. Tensors from before the recording, and those that are
/// kept until the graph is gone, are safe.
/// </summary>
/// <remarks>Record work that ran before, so that the pool has its blocks and the driver its kernels.</remarks>
public static class DeviceGraph
{
    /// <summary>Records what <paramref name="work"/> issues, without running it.</summary>
    /// <exception cref="DeviceException">It does more than to issue work, or the driver cannot record it. The stream is as before.</exception>
    public static IGraph Record(ComputeDevice device, Action work)
    {
        device.Driver.BeginCapture(device.Stream);
        try
        {
            work();
        }
        catch
        {
            Abandon(device);
            throw;
        }
        return device.Driver.EndCapture(device.Stream);
    }

    /// <summary>Why work of a device cannot be recorded; null where it can.</summary>
    public static string? Problem(ComputeDevice device) =>
        device.Math.IsRecordable ? null : $"the engine {device.Math.Name} computes at once instead of on the stream and cannot be recorded";

    private static void Abandon(ComputeDevice device)
    {
        try
        {
            device.Driver.EndCapture(device.Stream).Dispose();
        }
        catch (DeviceException)
        {
            // The driver gives up a recording that failed; the first error is the one that counts.
        }
    }
}
