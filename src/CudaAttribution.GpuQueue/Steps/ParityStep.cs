using System.Text.Json.Nodes;
using CudaAttribution.Driver.Host;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.GpuQueue.Steps;

/// <summary>
/// Every case on memory that begins as NaN, twice. Our F32 kernels must leave the bits of <c>cpu</c>; other engines must pass the audit against
/// float64 and repeat their own bits.
/// </summary>
internal sealed class ParityStep : IStep
{
    public int Run(StepContext context)
    {
        using var device = context.Open(guardBands: true);
        bool exact = context.Step.Engine == "kernels";
        var golden = exact ? Golden.Read(context.GoldenFile) : null;
        // Small cases first: they tell most for their time.
        OpCase[] cases =
        [
            .. OpCatalog.All.Where(c => context.Step.Op is null || c.Op.Contains(context.Step.Op, StringComparison.Ordinal))
                .Where(c => exact ? !(context.Reduced && c.BenchOnly) : !c.BenchOnly && c.Inputs.Any(i => i.Operand))
                .OrderBy(c => c.BenchOnly),
        ];
        int failed = 0, done = 0;
        foreach (var op in cases)
        {
            if (context.Left < 0) break;
            string problem = exact ? Bits(device, op, golden![op]) : Audit(device, op);
            if (problem.Length > 0) failed++;
            done++;
            var result = new JsonObject { ["what"] = "parity", ["math"] = context.Step.Engine, ["op"] = op.Op, ["case"] = op.Name };
            result["state"] = problem.Length == 0 ? "ok" : "failed";
            if (problem.Length > 0) result["why"] = problem;
            StepContext.Emit(result);
        }
        StepContext.Emit(new JsonObject
        {
            ["what"] = "parity summary", ["math"] = device.Math.Name, ["cases"] = cases.Length, ["checked"] = done, ["failed"] = failed,
            ["criterion"] = exact ? "the bits of cpu, twice" : "float64 audit, the same bits twice",
        });
        if (failed > 0) Console.Error.WriteLine($"{failed} of {done} cases failed");
        else if (done < cases.Length) Console.Error.WriteLine($"only {done} of {cases.Length} cases in the time");
        return failed > 0 ? StepCode.CheckFailed : done < cases.Length ? StepCode.OutOfTime : StepCode.Done;
    }

    private static string Bits(ComputeDevice device, OpCase op, string expected)
    {
        for (int run = 1; run <= 2; run++)
        {
            var digest = OpDigest.Of(device, op);
            if (digest.NonFinite > 0) return $"run {run}: {digest.NonFinite} values are NaN or infinite: not written, or wrong";
            if (digest.Sha256 == expected) continue;
            using var cpu = ComputeDevice.Open(HostDriver.CpuId, guardBands: true);
            string difference = OpDigest.Difference(device, cpu, op);
            return $"run {run}: {(difference.Length > 0 ? difference : "cpu leaves the same bits here, but other ones where the golden hashes were made")}";
        }
        return "";
    }

    private static string Audit(ComputeDevice device, OpCase op)
    {
        var wrong = OpChecks.All(device, op).FirstOrDefault(r => !r.Passed);
        return wrong is null ? "" : FormattableString.Invariant($"{wrong.Check}: {wrong.Error:g3} of {wrong.Limit:g3} {wrong.Detail}").TrimEnd();
    }
}
