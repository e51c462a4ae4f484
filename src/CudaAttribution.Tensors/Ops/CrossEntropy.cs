using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

/// <summary>The loss of a classifier, F32; kernels in <c>loss.cu</c>.</summary>
public static class CrossEntropyLoss
{
    /// <summary>Mean over the rows of −log softmax(logits)[label], summed in a fixed order.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="logits"><c>[N,C]</c>, not empty. The gradient is with respect to this.</param>
    /// <param name="labels">I32 <c>[N]</c>; one outside 0 .. C−1 makes the loss NaN.</param>
    /// <returns><c>[1]</c>.</returns>
    /// <exception cref="ArgumentException">A type, a shape or the device of an argument does not fit.</exception>
    public static Tensor CrossEntropy(this Tape tape, Tensor logits, Tensor labels)
    {
        const string Op = "cross_entropy";
        OpCheck.Argument(tape.Device, Op, logits);
        OpCheck.That(logits.Shape.Rank == 2 && logits.Count > 0, Op, logits, "[N,C], not empty");
        int rows = logits.Shape[0], classes = logits.Shape[1];
        OpCheck.Argument(tape.Device, Op, labels, new Shape(rows), DType.I32);
        int perBlock = int.Min(KernelConstants.CROSS_ENTROPY_ROWS, Tiles.RowsPerBlock(classes));
        var grid = Tiles.Rows(rows, perBlock);
        var part = tape.New([rows]);
        var lse = tape.New([rows]);
        var loss = tape.New([1]);
        tape.Device.Launch("cross_entropy_fwd_f32", grid, new ForwardParams
        {
            X = logits.Pointer, Labels = labels.Pointer, Part = part.Pointer, Lse = lse.Pointer, Rows = rows, C = classes, RowsPerBlock = perBlock,
        });
        Loss.Mean(tape.Device, part.Pointer, rows, rows, loss.Pointer);
        part.Release();
        return tape.Record(loss, [logits], dloss =>
        {
            var (dx, accumulate) = tape.GradOf(logits);
            tape.Device.Launch("cross_entropy_bwd_f32", grid, new BackwardParams
            {
                X = logits.Pointer, Labels = labels.Pointer, Lse = lse.Pointer, Dloss = dloss.Pointer, Dx = dx.Pointer, Rows = rows, C = classes,
                RowsPerBlock = perBlock, Accumulate = accumulate ? 1 : 0,
            });
            lse.Release();
        });
    }

    /// <summary>The checked instances.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Case(1, 2), Case(5, 7), Case(70, 4), Case(3, 4099), Case(33, 10, 30f), Case(256, 1000) with { BenchOnly = true },
    ];

    private static OpCase Case(int rows, int classes, float scale = 1f) => new(
        "loss/cross_entropy",
        $"[{rows},{classes}] scale {scale}",
        [
            new OpInput("logits", new Shape(rows, classes), OpFill.Normal(1f, scale)),
            new OpInput("labels", new Shape(rows), OpFill.Index(classes), Grad: false),
        ],
        (tape, x) => tape.CrossEntropy(x[0], x[1]),
        x => [Enumerable.Range(0, rows).Average(r => RowLoss(x[0].AsSpan(r * classes, classes), (int)x[1][r]))])
    {
        Flops = 3.0 * rows * classes,
        Bytes = 4.0 * rows * classes,
    };

    private static double RowLoss(ReadOnlySpan<double> logits, int label)
    {
        double top = double.NegativeInfinity, sum = 0;
        foreach (double x in logits) top = double.Max(top, x);
        foreach (double x in logits) sum += double.Exp(x - top);
        return double.Log(sum) + top - logits[label];
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ForwardParams
    {
        public nint X, Labels, Part, Lse;
        public int Rows, C, RowsPerBlock;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct BackwardParams
    {
        public nint X, Labels, Lse, Dloss, Dx;
        public int Rows, C, RowsPerBlock, Accumulate;
    }
}
