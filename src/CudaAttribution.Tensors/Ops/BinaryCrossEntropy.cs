using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

/// <summary>The loss of bits, F32; kernels in <c>loss.cu</c>.</summary>
public static class BinaryCrossEntropyLoss
{
    /// <summary>
    /// Mean over all elements of −t log σ(x) − (1 − t) log(1 − σ(x)), as max(x, 0) − x t + log(1 + exp(−|x|)), summed in a fixed order.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="logits">x, any shape, not empty. The gradient is with respect to this.</param>
    /// <param name="targets">t, the same shape, in [0, 1]; must not require a gradient.</param>
    /// <returns><c>[1]</c>.</returns>
    /// <exception cref="ArgumentException">
    /// A type, a shape or the device of an argument does not fit, or <paramref name="targets"/> requires a gradient.
    /// </exception>
    public static Tensor BinaryCrossEntropy(this Tape tape, Tensor logits, Tensor targets)
    {
        const string Op = "binary_cross_entropy";
        OpCheck.Argument(tape.Device, Op, logits);
        OpCheck.That(logits.Count > 0, Op, logits, "not empty");
        OpCheck.Argument(tape.Device, Op, targets, logits.Shape);
        OpCheck.That(!targets.RequiresGrad, Op, targets, "a constant: this loss has no gradient with respect to it, so clear its RequiresGrad");
        long count = logits.Count;
        var chunks = Tiles.Flat(count);
        var part = tape.New([chunks.X]);
        var loss = tape.New([1]);
        tape.Device.Launch("binary_cross_entropy_part_f32", chunks, new PartParams { X = logits.Pointer, Target = targets.Pointer, Part = part.Pointer, N = count });
        Loss.Mean(tape.Device, part.Pointer, chunks.X, count, loss.Pointer);
        part.Release();
        return tape.Record(loss, [logits], dloss =>
        {
            var (dx, accumulate) = tape.GradOf(logits);
            tape.Device.Launch("binary_cross_entropy_bwd_f32", chunks, new BackwardParams
            {
                X = logits.Pointer, Target = targets.Pointer, Dloss = dloss.Pointer, Dx = dx.Pointer, N = count, Accumulate = accumulate ? 1 : 0,
            });
        });
    }

    /// <summary>The checked instances.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Case([1]), Case([3, 5, 7]), Case([2, 4099]), Case([40, 7], 30f), Case([64, 32]) with { BenchOnly = true },
    ];

    private static OpCase Case(int[] dims, float scale = 1f) => new(
        "loss/binary_cross_entropy",
        $"{new Shape(dims)} scale {scale}",
        [new OpInput("logits", dims, OpFill.Normal(0f, scale)), new OpInput("targets", dims, OpFill.Normal(0.5f, 0.2f), Grad: false)],
        (tape, x) => tape.BinaryCrossEntropy(x[0], x[1]),
        x => [x[0].Zip(x[1], ElementLoss).Average()])
    {
        Flops = 6.0 * new Shape(dims).Count,
        Bytes = 8.0 * new Shape(dims).Count,
    };

    private static double ElementLoss(double x, double t) => double.Max(x, 0) - x * t + double.Log(1 + double.Exp(-double.Abs(x)));

    [StructLayout(LayoutKind.Sequential)]
    private struct PartParams
    {
        public nint X, Target, Part;
        public long N;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct BackwardParams
    {
        public nint X, Target, Dloss, Dx;
        public long N;
        public int Accumulate;
    }
}
