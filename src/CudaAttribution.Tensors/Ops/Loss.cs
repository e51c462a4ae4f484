using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Losses, F32; kernels in <c>loss.cu</c>.</summary>
public static class Loss
{
    /// <summary>
    /// Mean squared error: mean of (prediction - target)² over all elements, summed in a fixed order; <see cref="Tape.Backward(Tensor, float)"/>
    /// starts from it.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="prediction">Any shape, not empty. The gradient is with respect to this.</param>
    /// <param name="target">The same shape; must not require a gradient.</param>
    /// <returns><c>[1]</c>.</returns>
    /// <exception cref="ArgumentException">
    /// A type, a shape or the device of an argument does not fit, or <paramref name="target"/> requires a gradient.
    /// </exception>
    public static Tensor Mse(this Tape tape, Tensor prediction, Tensor target) => SquaredErrors(tape, "mse", prediction, target, 1);

    /// <summary>Mean squared error of each sample alone; a sample's has the bits of <see cref="Mse"/> over it. Two launches a sample.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="prediction"><c>[N,...]</c>, not empty. The gradient is with respect to this.</param>
    /// <param name="target">The same shape; must not require a gradient.</param>
    /// <returns><c>[N]</c>.</returns>
    /// <exception cref="ArgumentException">As <see cref="Mse"/>.</exception>
    public static Tensor MsePerSample(this Tape tape, Tensor prediction, Tensor target)
    {
        const string Op = "mse_per_sample";
        OpCheck.That(prediction.Shape.Rank >= 1 && prediction.Count > 0, Op, prediction, "[N,...], not empty");
        return SquaredErrors(tape, Op, prediction, target, prediction.Shape[0]);
    }

    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Case([1]), Case([3, 5, 7]), Case([2, 4099]), Case([3, 4096]), Case([40, 7], 30f), Case([32, 16, 16, 4]) with { BenchOnly = true },
        CasePerSample([1]), CasePerSample([3, 5, 7]), CasePerSample([4, 4099]), CasePerSample([8, 16, 16, 4]) with { BenchOnly = true },
    ];

    /// <summary>The sum of <paramref name="parts"/> numbers over <paramref name="count"/>, in one block.</summary>
    internal static void Mean(ComputeDevice device, nint part, int parts, long count, nint mean) => device.Launch("mse_fwd_f32", new Grid(1), new MseParams
    {
        Part = part, Loss = mean, N = count, Parts = parts,
    });

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

    private static OpCase CasePerSample(int[] dims)
    {
        var shape = new Shape(dims);
        int samples = dims[0], n = (int)shape.Count / samples;
        return new OpCase(
            "loss/mse_per_sample",
            $"{shape}",
            [
                new OpInput("prediction", shape, OpFill.Normal(), Batched: true),
                new OpInput("target", shape, OpFill.Normal(0.5f), Grad: false, Batched: true),
            ],
            (tape, x) => tape.MsePerSample(x[0], x[1]),
            x =>
            {
                var sums = new double[samples];
                for (int i = 0; i < x[0].Length; i++) sums[i / n] += (x[0][i] - x[1][i]) * (x[0][i] - x[1][i]) / n;
                return sums;
            })
        {
            Flops = 3.0 * shape.Count,
            Bytes = 8.0 * shape.Count,
            BatchInvariant = true,
        };
    }

    private static Tensor SquaredErrors(Tape tape, string op, Tensor prediction, Tensor target, int samples)
    {
        OpCheck.Argument(tape.Device, op, prediction);
        OpCheck.That(prediction.Count > 0, op, prediction, "not empty");
        OpCheck.Argument(tape.Device, op, target, prediction.Shape);
        OpCheck.That(!target.RequiresGrad, op, target, "a constant: this loss has no gradient with respect to it, so clear its RequiresGrad");
        long count = prediction.Count / samples;
        var chunks = Tiles.Flat(count);
        var part = tape.New([chunks.X]);
        var loss = tape.New([samples]);
        for (int i = 0; i < samples; i++)
        {
            tape.Device.Launch("mse_part_fwd_f32", chunks, new MsePartParams
            {
                Prediction = At(prediction, i * count), Target = At(target, i * count), Part = part.Pointer, N = count,
            });
            Mean(tape.Device, part.Pointer, chunks.X, count, At(loss, i));
        }
        part.Release();
        return tape.Record(loss, [prediction], dloss =>
        {
            var (dprediction, accumulate) = tape.GradOf(prediction);
            for (int i = 0; i < samples; i++)
            {
                tape.Device.Launch("mse_bwd_f32", chunks, new MseBackwardParams
                {
                    Prediction = At(prediction, i * count), Target = At(target, i * count), Dloss = At(dloss, i),
                    Dprediction = At(dprediction, i * count), N = count, Accumulate = accumulate ? 1 : 0,
                });
            }
        });

        static nint At(Tensor x, long element) => x.Pointer + (nint)(element * sizeof(float));
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
