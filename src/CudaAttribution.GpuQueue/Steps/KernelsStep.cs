using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.GpuQueue.Steps;

/// <summary>Times of the benchmark's cases with one engine, beside the floor that the measured ceilings set.</summary>
internal sealed class KernelsStep : IStep
{
    public int Run(StepContext context)
    {
        using var device = context.Open();
        var roofline = Roofline.Measure(device);
        var cases = context.Cases();
        int done = 0;
        foreach (var op in cases)
        {
            if (context.Left < 0) break;
            var timing = OpBenchmark.Run(device, op, context.Reduced ? 0 : Math.Min(1, context.Left / (cases.Length - done)));
            device.Pool.Trim();
            done++;
            var result = QueueJson.Object(timing);
            double flops = device.Math.Operands == Tensors.DType.BF16 && op.Inputs.Any(i => i.Operand) ? roofline.Bf16Gflops ?? roofline.FmaGflops : roofline.FmaGflops;
            double floor = Math.Max(op.Flops / flops, op.Bytes / roofline.CopyGigabytes) * 1e-6;
            result.Insert(0, "what", "kernel");
            result["math"] = context.Step.Engine;
            result["floor_ms"] = floor;
            result["of_floor"] = floor / timing.Forward;
            StepContext.Emit(result);
        }
        if (done == cases.Length) return StepCode.Done;
        Console.Error.WriteLine($"only {done} of {cases.Length} cases in the time");
        return StepCode.OutOfTime;
    }
}
