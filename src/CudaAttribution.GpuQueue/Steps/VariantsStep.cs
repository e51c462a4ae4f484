using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.GpuQueue.Steps;

/// <summary>
/// An engine that is to take the place of our F32 kernels, at the benchmark's shapes: first whether its results agree with theirs, forward and backward,
/// and only then how fast the two are, one after the other on the same inputs.
/// </summary>
internal sealed class VariantsStep : IStep
{
    /// <summary>Two F32 engines that sum in other orders: round-off of long sums, far below what a wrong term would cost.</summary>
    private const double RoundOff = 1e-10;

    public int Run(StepContext context)
    {
        using var plain = ComputeDevice.Open(context.Device, "kernels");
        using var variant = context.Open();
        double limit = variant.Math.Operands == DType.BF16 ? Tolerance.RoundingBF16 : RoundOff;
        OpCase[] cases = [.. context.Cases().Where(c => c.Inputs.Any(i => i.Operand))];
        int failed = 0, done = 0;
        foreach (var op in cases)
        {
            if (context.Left < 0) break;
            double seconds = context.Reduced ? 0 : Math.Min(0.5, context.Left / (cases.Length - done) / 3);
            double error = OpAgreement.Nmse(variant, plain, op, out string where);
            bool right = error <= limit;
            failed += right ? 0 : 1;
            done++;
            var result = new JsonObject
            {
                ["what"] = "variant", ["math"] = context.Step.Engine, ["op"] = op.Op, ["case"] = op.Name, ["state"] = right ? "ok" : "failed",
                ["nmse"] = error, ["limit"] = limit, ["worst"] = where,
            };
            if (right)
            {
                var (before, now) = (OpBenchmark.Run(plain, op, seconds), OpBenchmark.Run(variant, op, seconds));
                result["kernels_ms"] = before.Forward;
                result["kernels_backward_ms"] = before.Backward;
                result["forward_ms"] = now.Forward;
                result["backward_ms"] = now.Backward;
                result["forward_gflops"] = now.ForwardGflops;
                result["speed"] = before.Forward / now.Forward;
                result["repeats"] = now.Repeats;
                result["sets"] = now.Sets;
            }
            plain.Pool.Trim();
            variant.Pool.Trim();
            StepContext.Emit(result);
        }
        if (failed > 0) Console.Error.WriteLine($"{failed} of {done} cases disagree with the F32 kernels; they were not timed");
        else if (done < cases.Length) Console.Error.WriteLine($"only {done} of {cases.Length} cases in the time");
        return failed > 0 ? StepCode.CheckFailed : done < cases.Length ? StepCode.OutOfTime : StepCode.Done;
    }
}
