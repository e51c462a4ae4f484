using CudaAttribution.Driver.Planning;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.KernelReport.Bench;

/// <summary>
/// The launches of all benchmark cases, forward and backward, with the grids of a GPU: <c>simt</c> has its tiles. Nothing is computed.
/// </summary>
public static class BenchPlan
{
    private static readonly string[] WithTensorCores = ["conv2d", "conv_transpose2d", "gemm/linear"];

    public static IReadOnlyList<BenchLaunch> All()
    {
        using var plain = ComputeDevice.Open("simt", "kernels");
        using var bf16 = ComputeDevice.Open("simt", "bf16");
        var cases = OpCatalog.All.Where(c => c.BenchOnly).ToArray();
        return [.. cases.SelectMany(c => Of(plain, c, "")), .. cases.Where(c => WithTensorCores.Contains(c.Op)).SelectMany(c => Of(bf16, c, ", bf16"))];
    }

    private static IEnumerable<BenchLaunch> Of(ComputeDevice device, OpCase op, string engine)
    {
        List<PlannedLaunch> launches = [];
        using var planned = ComputeDevice.Planning(device, launches.Add);
        using var held = new Arena(planned);
        using var tape = new Tape(planned, record: op.Differentiable);
        var inputs = new Tensor[op.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = held.New(op.Inputs[i].Shape, op.Inputs[i].Type);
            inputs[i].RequiresGrad = op.Differentiable && op.Inputs[i].Grad && inputs[i].Type == DType.F32;
        }
        var y = op.Run(tape, inputs);
        int forward = launches.Count;
        if (op.Differentiable) tape.Backward(y, tape.New(y.Shape));
        for (int i = 0; i < launches.Count; i++)
        {
            var launch = launches[i];
            // What a forward of one launch moves is in its case. Of the arrays of another launch some may be used in part only (embeddings); none moves
            // more than the forward does three times: a gradient reads its inputs and dy and writes dx.
            double bytes = i == 0 && forward == 1 ? op.Bytes : double.Min(launch.Bytes, 3 * op.Bytes);
            yield return new BenchLaunch($"{op}{engine}", launch.Kernel, launch.Grid, KernelWork.Flops(launch.Kernel, op.Flops), bytes);
        }
    }
}
