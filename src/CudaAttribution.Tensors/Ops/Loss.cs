using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Losses, F32: scalars <c>[1]</c> that <see cref="Tape.Backward(Tensor)"/> starts from; kernels in <c>loss.cu</c>.</summary>
public static class Loss
{
    /// <summary>Mean squared error: mean of (prediction - target)² over all elements, summed in a fixed order.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="prediction">Any shape, not empty. The gradient is with respect to this.</param>
    /// <param name="target">The same shape; must not require a gradient.</param>
    /// <returns><c>[1]</c>.</returns>
    /// <exception cref="ArgumentException">
    /// A type, a shape or the device of an argument does not fit, or <paramref name="target"/> requires a gradient.
    /// </exception>
    public static Tensor Mse(this Tape tape, Tensor prediction, Tensor target)
    {
        const string Op = "mse";
        OpCheck.Argument(tape.Device, Op, prediction);
        OpCheck.That(prediction.Count > 0, Op, prediction, "not empty");
        OpCheck.Argument(tape.Device, Op, target, prediction.Shape);
        OpCheck.That(!target.RequiresGrad, Op, target, "a constant: this loss has no gradient with respect to it, so clear its RequiresGrad");
        var chunks = Tiles.Flat(prediction.Count);
        var part = tape.New([chunks.X]);
        tape.Device.Launch("mse_part_fwd_f32", chunks, new MsePartParams
        {
            Prediction = prediction.Pointer, Target = target.Pointer, Part = part.Pointer, N = prediction.Count,
        });
        var loss = tape.New([1]);
        tape.Device.Launch("mse_fwd_f32", new Grid(1), new MseParams
        {
            Part = part.Pointer, Loss = loss.Pointer, N = prediction.Count, Parts = chunks.X,
        });
        part.Release();
        return tape.Record(loss, [prediction], dloss =>
        {
            var (dprediction, accumulate) = tape.GradOf(prediction);
            tape.Device.Launch("mse_bwd_f32", chunks, new MseBackwardParams
            {
                Prediction = prediction.Pointer, Target = target.Pointer, Dloss = dloss.Pointer, Dprediction = dprediction.Pointer,
                N = prediction.Count, Accumulate = accumulate ? 1 : 0,
            });
        });
    }

    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Case([1]), Case([3, 5, 7]), Case([2, 4099]), Case([3, 4096]), Case([40, 7], 30f), Case([32, 16, 16, 4]) with { BenchOnly = true },
    ];

    private static OpCase Case(int[] dims, float scale = 1f)
    {
        var shape = new Shape(dims);
        return new OpCase(
            "loss/mse",
            $"{shape} scale {scale}",
            [new OpInput("prediction", shape, OpFill.Normal(0f, scale)), new OpInput("target", shape, OpFill.Normal(0.5f, scale), Grad: false)],
            (tape, x) => tape.Mse(x[0], x[1]),
            x =>
            {
                double sum = 0;
                for (int i = 0; i < x[0].Length; i++) sum += (x[0][i] - x[1][i]) * (x[0][i] - x[1][i]);
                return [sum / x[0].Length];
            })
        {
            Flops = 3.0 * shape.Count,
            Bytes = 8.0 * shape.Count,
        };
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MsePartParams
    {
        public nint Prediction, Target, Part;
        public long N;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MseParams
    {
        public nint Part, Loss;
        public long N;
        public int Parts;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MseBackwardParams
    {
        public nint Prediction, Target, Dloss, Dprediction;
        public long N;
        public int Accumulate;
    }
}
