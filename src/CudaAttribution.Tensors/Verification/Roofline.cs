using System.Diagnostics;
using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Verification;

/// <summary>The device's measured ceilings (<c>kernels/roofline.cu</c>).</summary>
/// <param name="FmaGflops">Peak F32 multiply-adds, GFLOP/s, an FMA counting two.</param>
/// <param name="CopyGigabytes">Streaming copy of 256 MB, GB/s read plus written.</param>
public sealed record Roofline(double FmaGflops, double CopyGigabytes)
{
    private const int FmasPerRound = 12 * 3072;
    private const int CopyBlock = 16384;

    /// <summary>
    /// Measures both, about a second; the best of several repeats counts, because a ceiling is what the machine can do undisturbed.
    /// </summary>
    public static Roofline Measure(ComputeDevice device)
    {
        using var arena = new Arena(device);
        int blocks = Math.Max(64, device.Driver.Info.Multiprocessors * 16), rounds = device.Driver.Info.Id == "simt" ? 1 : 256;
        var sums = arena.New([blocks]);
        var fma = new FmaParams { Y = sums.Pointer, Rounds = rounds };
        double seconds = Best(device, 7, () => device.Launch("roofline_fma_f32", new Grid(blocks), in fma));
        double gflops = 2.0 * FmasPerRound * rounds * blocks / seconds * 1e-9;

        int copyBlocks = device.Driver.Info.Id == "simt" ? 16 : 2048;
        var x = arena.Zeros([copyBlocks * CopyBlock]);
        var y = arena.New([copyBlocks * CopyBlock]);
        var copy = new CopyParams { X = x.Pointer, Y = y.Pointer };
        seconds = Best(device, 5, () => device.Launch("roofline_copy_f32", new Grid(copyBlocks), in copy));
        return new Roofline(gflops, 2.0 * x.Bytes / seconds * 1e-9);
    }

    private static double Best(ComputeDevice device, int repeats, Action launch)
    {
        double best = double.PositiveInfinity;
        for (int i = 0; i <= repeats; i++)
        {
            device.Synchronize();
            long start = Stopwatch.GetTimestamp();
            launch();
            device.Synchronize();
            if (i > 0) best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct FmaParams
    {
        public nint Y;
        public int Rounds;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct CopyParams
    {
        public nint X, Y;
    }
}
