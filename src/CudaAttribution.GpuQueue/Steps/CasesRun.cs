using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.GpuQueue.Steps;

/// <summary>Runs cases once, forward and backward, and nothing else: what a sanitizer or a profiler looks on at.</summary>
internal static class CasesRun
{
    /// <param name="deviceId">The device.</param>
    /// <param name="math">The engine.</param>
    /// <param name="bench">The benchmark's cases instead of the audit's.</param>
    /// <param name="kernels">Of each of these kernels the largest case that launches it; empty for every case.</param>
    public static int Run(string deviceId, string math, bool bench, IReadOnlyCollection<string> kernels)
    {
        using var device = ComputeDevice.Open(deviceId, math);
        OpCase[] cases = [.. OpCatalog.All.Where(c => c.BenchOnly == bench)];
        foreach (var op in kernels.Count == 0 ? cases : Largest(device, cases, kernels))
        {
            if (OpDigest.Of(device, op).NonFinite > 0)
            {
                Console.Error.WriteLine($"{op} gives values that are NaN or infinite");
                return StepCode.CheckFailed;
            }
            device.Pool.Trim();
        }
        return StepCode.Done;
    }

    /// <summary>For each kernel the case with most work among those that launch it, without running any; each case once.</summary>
    private static IEnumerable<OpCase> Largest(ComputeDevice device, OpCase[] cases, IReadOnlyCollection<string> kernels)
    {
        var launches = new HashSet<string>();
        using var planned = ComputeDevice.Planning(device, launch => launches.Add(launch.Kernel));
        var left = kernels.ToHashSet();
        var chosen = new List<OpCase>();
        foreach (var op in cases.OrderByDescending(c => c.Flops + c.Bytes))
        {
            launches.Clear();
            OpDigest.Of(planned, op);
            planned.Pool.Trim();
            if (!launches.Overlaps(left)) continue;
            left.ExceptWith(launches);
            chosen.Add(op);
        }
        if (left.Count > 0) Console.Error.WriteLine($"no case launches {string.Join(", ", left.Order(StringComparer.Ordinal))}");
        return chosen;
    }
}
