using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Verification;

/// <summary>The device's measured ceilings (<c>kernels/roofline.cu</c>, <c>kernels/roofline_bf16.cu</c>).</summary>
/// <param name="FmaGflops">Peak F32 multiply-adds, GFLOP/s, an FMA counting two.</param>
/// <param name="CopyGigabytes">Streaming copy of 256 MB, GB/s read plus written.</param>
/// <param name="Bf16Gflops">Peak of BF16 products with F32 sums through <c>mma.sync</c>; null where the device has no warps (cpu).</param>
public sealed record Roofline(double FmaGflops, double CopyGigabytes, double? Bf16Gflops)
{
    private const int CopyBlocks = 2048;
    private const int MostRounds = 256;
    private const string MmaKernel = "roofline_mma_f32_bf16";

    /// <summary>
    /// Measures them, about a second; the best of several repeats counts, because a ceiling is what the machine can do undisturbed.
    /// </summary>
    /// <param name="device">The device.</param>
    public static Roofline Measure(ComputeDevice device)
    {
        using var arena = new Arena(device);
        int blocks = Math.Max(64, device.Driver.Info.Multiprocessors * 16);
        var sums = arena.New([blocks, KernelConstants.ROOFLINE_MMA_THREADS]);
        double gflops = Peak(device, "roofline_fma_f32", sums, 2.0 * KernelConstants.ROOFLINE_FMAS_PER_ROUND * blocks);
        double? mma = device.Driver.Kernels.KernelNames.Contains(MmaKernel) ? Peak(device, MmaKernel, sums, 2.0 * KernelConstants.ROOFLINE_MMA_FMAS_PER_ROUND * blocks) : null;

        var x = arena.New([CopyBlocks * KernelConstants.ROOFLINE_COPY_BLOCK]);
        Ops.RandomNumbers.Normal(x, seed: 24, Philox.Stream("roofline"));
        var y = arena.New([CopyBlocks * KernelConstants.ROOFLINE_COPY_BLOCK]);
        var copy = new CopyParams { X = x.Pointer, Y = y.Pointer };
        double ns = Nanoseconds(device, 5, () => device.Launch("roofline_copy_f32", new Grid(CopyBlocks), in copy));
        return new Roofline(gflops, 2.0 * x.Bytes / ns, mma);
    }

    /// <summary>GFLOP/s of a kernel that does <paramref name="flops"/> in a round, over rounds enough for a launch of a millisecond.</summary>
    private static double Peak(ComputeDevice device, string kernel, Tensor sums, double flops)
    {
        for (int rounds = 1; ; rounds *= 4)
        {
            var p = new FmaParams { Y = sums.Pointer, Rounds = rounds };
            void Launch() => device.Launch(kernel, new Grid(sums.Shape[0]), in p);
            bool enough = rounds == MostRounds || Nanoseconds(device, 1, Launch) > 1e6;
            if (enough) return flops * rounds / Nanoseconds(device, 7, Launch);
        }
    }

    private static double Nanoseconds(ComputeDevice device, int repeats, Action launch) =>
        1e6 * DeviceTimer.Repeat(device, launch, seconds: 0, least: repeats, most: repeats).MinMs;

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
