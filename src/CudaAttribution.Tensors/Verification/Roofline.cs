using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Verification;

/// <summary>The device's measured ceilings (<c>kernels/roofline.cu</c>, <c>kernels/roofline_bf16.cu</c>).</summary>
/// <param name="FmaGflops">Peak F32 multiply-adds, GFLOP/s, an FMA counting two.</param>
/// <param name="CopyGigabytes">Streaming copy of 256 MB, GB/s read plus written.</param>
/// <param name="Bf16Gflops">Peak of BF16 products with F32 sums through <c>mma.sync</c>; null where the device has no warps (cpu).</param>
public sealed record Roofline(double FmaGflops, double CopyGigabytes, double? Bf16Gflops)
{
    private const int FmasPerRound = 12 * 3072;
    private const int MmaFmasPerRound = 8 * 2 * 4 * 2048;
    private const int MmaThreads = 256;
    private const int CopyBlock = 16384;
    private const string MmaKernel = "roofline_mma_f32_bf16";

    /// <summary>
    /// Measures them, about a second; the best of several repeats counts, because a ceiling is what the machine can do undisturbed.
    /// </summary>
    /// <param name="device">The device.</param>
    /// <param name="emulated">Whether its kernels run on a processor as threads of blocks, thousands of times slower: so little is measured then.</param>
    public static Roofline Measure(ComputeDevice device, bool emulated = false)
    {
        emulated |= device.Driver.Info.Id == HostDriver.SimtId;
        using var arena = new Arena(device);
        int blocks = Math.Max(64, device.Driver.Info.Multiprocessors * 16), rounds = emulated ? 1 : 256;
        var sums = arena.New([blocks, MmaThreads]);
        var fma = new FmaParams { Y = sums.Pointer, Rounds = rounds };
        double fmas = (double)rounds * blocks;
        double gflops = 2 * FmasPerRound * fmas / Nanoseconds(device, 7, () => device.Launch("roofline_fma_f32", new Grid(blocks), in fma));
        double? mma = device.Driver.Kernels.KernelNames.Contains(MmaKernel)
            ? 2 * MmaFmasPerRound * fmas / Nanoseconds(device, 7, () => device.Launch(MmaKernel, new Grid(blocks), in fma))
            : null;

        int copyBlocks = emulated ? 16 : 2048;
        var x = arena.New([copyBlocks * CopyBlock]);
        Ops.Sampling.Normal(x, seed: 24, Philox.Stream("roofline"));
        var y = arena.New([copyBlocks * CopyBlock]);
        var copy = new CopyParams { X = x.Pointer, Y = y.Pointer };
        double ns = Nanoseconds(device, 5, () => device.Launch("roofline_copy_f32", new Grid(copyBlocks), in copy));
        return new Roofline(gflops, 2.0 * x.Bytes / ns, mma);
    }

    private static double Nanoseconds(ComputeDevice device, int repeats, Action launch) =>
        1e6 * DeviceTimer.Repeat(device, launch, seconds: 0, least: repeats, most: repeats).FastestMs;

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
