using CudaAttribution.Driver;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models;

/// <summary>
/// A step recorded as a graph. It was recorded on blocks of the device's memory pool that the step gave back when it ended, so until the graph is
/// disposed nothing else may take memory from the pool or trim it: a replay would write over it. Tensors from before the recording are safe.
/// </summary>
/// <remarks>Record a step that ran before, so that the pool has its blocks and the driver its kernels.</remarks>
internal static class StepGraph
{
    /// <summary>Records what <paramref name="step"/> issues, without running it.</summary>
    /// <exception cref="DeviceException">The step does more than to issue work, or the driver cannot record it. The stream is as before.</exception>
    public static IGraph Record(ComputeDevice device, Action step)
    {
        device.Driver.BeginCapture(device.Stream);
        try
        {
            step();
        }
        catch
        {
            Abandon(device);
            throw;
        }
        return device.Driver.EndCapture(device.Stream);
    }

    /// <summary>Why a step of a device cannot be recorded; null where it can.</summary>
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
