using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.GpuQueue;

/// <summary>Runs cases once, forward and backward, and nothing else: what a sanitizer or a profiler looks on at.</summary>
internal static class CasesRun
{
    /// <param name="deviceId">The device.</param>
    /// <param name="math">The engine.</param>
    /// <param name="bench">The benchmark's cases instead of the audit's.</param>
    public static int Run(string deviceId, string math, bool bench)
    {
        using var device = ComputeDevice.Open(deviceId, math);
        foreach (var op in OpCatalog.All.Where(c => c.BenchOnly == bench))
        {
            if (OpDigest.Of(device, op).NonFinite > 0)
            {
                Console.Error.WriteLine($"{op} gives values that are NaN or infinite");
                return StepCode.CheckFailed;
            }
        }
        return StepCode.Done;
    }
}
