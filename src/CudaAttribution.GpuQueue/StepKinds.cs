using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.GpuQueue.Steps;
using CudaAttribution.GpuQueue.Tools;

namespace CudaAttribution.GpuQueue;

/// <summary>The class that does a kind of step.</summary>
internal static class StepKinds
{
    public static IStep Of(StepKind kind) => kind switch
    {
        StepKind.Facts => new FactsStep(),
        StepKind.Parity => new ParityStep(),
        StepKind.Variants => new VariantsStep(),
        StepKind.Kernels => new KernelsStep(),
        StepKind.Model => new ModelStep(),
        StepKind.Distance => new DistanceStep(),
        StepKind.Pytorch => new PyTorchStep(),
        StepKind.Sanitizer => new SanitizerStep(),
        StepKind.Counters => new CountersStep(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such kind of step"),
    };
}
