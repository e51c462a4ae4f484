using CudaAttribution.KernelReport.Bench;
using CudaAttribution.KernelReport.Sass;

namespace CudaAttribution.KernelReport;

/// <summary>
/// The least cycles in which a multiprocessor gets one warp through one iteration of a loop when all of its warps do the same, by what limits it.
/// Waiting (latency, barriers), bank conflicts and what stands around the loop are not in it.
/// </summary>
/// <param name="Cycles">Of the unit that limits it.</param>
/// <param name="Limit">Name of that unit: tensor, fp32, integer, L1 (with shared memory), L2, alu, special, issue.</param>
/// <param name="Unit">What the loop is for, and so measured against: tensor, fp32 or integer arithmetic, memory, or none of them.</param>
/// <param name="Reach">
/// The share of that unit's peak that the loop can reach; for memory the share of its bandwidth that the loop can use up, which exceeds 1 where it could
/// take more. 0 for none.
/// </param>
public sealed record LoopBound(double Cycles, string Limit, string Unit, double Reach)
{
    /// <param name="mix">An iteration.</param>
    /// <param name="gpu">The multiprocessor.</param>
    /// <param name="work">What the kernel is for.</param>
    public static LoopBound Of(InstructionMix mix, Gpu gpu, WorkKind work)
    {
        double imad = 32.0 * (mix.Imad + mix.Idp);
        (string Name, double Cycles)[] units =
        [
            ("tensor", ((mix.TensorFma - mix.AsyncTensorFma) / gpu.TensorMma) + (mix.AsyncTensorFma / gpu.TensorPeak)),
            ("fp32", ((32.0 * (mix.Ffma + mix.OtherFp32)) + imad) / gpu.Fp32Lanes),
            ("integer", imad / Gpu.IntegerMultiplyLanes),
            ("L1", mix.Wavefronts),
            ("L2", 32.0 * mix.GlobalBytes / Gpu.CacheBytes),
            ("alu", 32.0 * mix.AluCount / Gpu.AluLanes),
            ("special", 32.0 * mix.SpecialCount / Gpu.SpecialLanes),
            ("issue", (double)mix.Total / Gpu.Issue),
        ];
        var (limit, cycles) = units.MaxBy(u => u.Cycles);
        var (unit, ideal) = Purpose(mix, gpu, work);
        return new LoopBound(cycles, limit, unit, cycles > 0 ? ideal / cycles : 0);
    }

    private static (string Unit, double Cycles) Purpose(InstructionMix mix, Gpu gpu, WorkKind work)
    {
        if (mix.TensorFma > 0) return ("tensor", mix.TensorFma / gpu.TensorPeak);
        if (work == WorkKind.Integer) return ("integer", 32.0 * (mix.PlainImad + mix.Idp) / Gpu.IntegerMultiplyLanes);
        double memory = 32.0 * mix.GlobalBytes / gpu.MemoryBytes, arithmetic = 32.0 * mix.Ffma / gpu.Fp32Lanes;
        if (arithmetic > 0 && (work == WorkKind.Fp32 || arithmetic > memory)) return ("fp32", arithmetic);
        return memory > 0 ? ("memory", memory) : ("none", 0);
    }
}
