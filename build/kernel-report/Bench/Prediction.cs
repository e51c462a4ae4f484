namespace CudaAttribution.KernelReport.Bench;

/// <summary>What a launch should take on a GPU by its machine code and its work.</summary>
/// <param name="Waves">Blocks over the blocks that the chip holds at a time.</param>
/// <param name="Seconds">The longest of its units, with the multiprocessors as unevenly filled as the grid makes them.</param>
/// <param name="Limit">That unit.</param>
/// <param name="Floor">What the chip needs at its peaks: arithmetic or memory, whichever is longer.</param>
public sealed record Prediction(BenchLaunch Launch, double Waves, double Seconds, string Limit, double Floor)
{
    public double Lost => Seconds - Floor;

    public static Prediction Of(BenchLaunch launch, KernelReading kernel, Gpu gpu)
    {
        long busiest = (launch.Blocks + gpu.Multiprocessors - 1) / gpu.Multiprocessors;
        // Time of the busiest multiprocessor over that of an even share.
        double uneven = (double)busiest * gpu.Multiprocessors / launch.Blocks;
        double loop = Iterations(launch, kernel) * kernel.Bound.Cycles / gpu.Multiprocessors / gpu.Clock * uneven;
        double memory = launch.Bytes / gpu.MemoryBandwidth;
        double port = launch.Bytes / launch.Blocks * busiest / Gpu.CacheBytes / gpu.Clock;
        var (limit, seconds) = new[] { (kernel.Bound.Limit, loop), ("memory", memory), ("L2", port) }.MaxBy(u => u.Item2);
        double peak = kernel.Bound.Unit switch
        {
            "tensor" => gpu.TensorFlops,
            "integer" => gpu.IntegerFlops * KernelWork.FlopsPerMultiplyAdd(launch.Kernel) / 2,
            _ => gpu.Fp32Flops,
        };
        return new(launch, (double)launch.Blocks / gpu.Multiprocessors / kernel.Resources.Blocks, seconds, limit, double.Max(launch.Flops / peak, memory));
    }

    // Iterations of a warp that the launch's work takes: by its operations where the loop does them, else by its bytes where the loop moves them.
    private static double Iterations(BenchLaunch launch, KernelReading kernel)
    {
        var mix = kernel.Main.Mix;
        bool integers = KernelWork.KindOf(launch.Kernel) == WorkKind.Integer;
        double multiplyAdds = integers ? 32.0 * (mix.PlainImad + (4 * mix.Idp)) : mix.TensorFma + (32.0 * mix.Ffma);
        if (launch.Flops > 0 && multiplyAdds > 0) return launch.Flops / KernelWork.FlopsPerMultiplyAdd(launch.Kernel) / multiplyAdds;
        return mix.GlobalBytes > 0 ? launch.Bytes / (32.0 * mix.GlobalBytes) : 0;
    }
}
