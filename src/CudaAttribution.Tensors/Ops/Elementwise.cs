using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

/// <summary>
/// Elementwise and data-moving ops, F32, any rank unless said otherwise; kernels in <c>elementwise.cu</c>. Every op is deterministic and
/// treats each sample alone; gradients that sum over samples or pixels do so in a fixed order.
/// </summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static partial class Elementwise
{
    /// <summary>y = a + b.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="a">Any shape.</param>
    /// <param name="b">The shape of <paramref name="a"/>.</param>
    public static Tensor Add(this Tape tape, Tensor a, Tensor b)
    {
        const string Op = "add";
        OpCheck.Argument(tape.Device, Op, a);
        OpCheck.Argument(tape.Device, Op, b, a.Shape);
        var y = tape.New(a.Shape);
        tape.Device.Launch("add_fwd_f32", Tiles.Flat(y.Count), new AddParams { A = a.Pointer, B = b.Pointer, Y = y.Pointer, N = y.Count });
        return tape.Record(y, [a, b], dy =>
        {
            if (a.RequiresGrad && b.RequiresGrad) CopyGrad(tape, b, dy);
            tape.PassGrad(a.RequiresGrad ? a : b, dy);
        });
    }

    /// <summary>y[n,...,c] = x[n,...,c] + t[n,c]: adds one vector per sample to each of its pixels.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,H,W,C]</c> or <c>[N,L,C]</c>: any shape of rank 2 or more.</param>
    /// <param name="t"><c>[N,C]</c>.</param>
    public static Tensor AddPerSample(this Tape tape, Tensor x, Tensor t)
    {
        const string Op = "add_per_sample";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.That(x.Shape.Rank >= 2, Op, x, "[N,...,C]");
        int samples = x.Shape[0], channels = x.Shape[^1];
        OpCheck.Argument(tape.Device, Op, t, new Shape(samples, channels));
        int pixels = x.Count == 0 ? 0 : OpCheck.Int(Op, x.Count / samples / channels, "the number of pixels");
        var y = tape.New(x.Shape);
        int rows = Tiles.RowsPerBlock(channels);
        tape.Device.Launch("add_per_sample_fwd_f32", Tiles.Rows(pixels, rows, samples), new InPlace.AddPerSampleParams
        {
            X = x.Pointer, T = t.Pointer, Y = y.Pointer, Pixels = pixels, C = channels, RowsPerBlock = rows,
        });
        return tape.Record(y, [x, t], dy =>
        {
            if (t.RequiresGrad)
            {
                var (dt, accumulate) = tape.GradOf(t);
                tape.Device.Launch("add_per_sample_bwd_f32", new((channels + KernelConstants.SUM_COLS - 1) / KernelConstants.SUM_COLS, samples), new AddPerSampleGradParams
                {
                    Dy = dy.Pointer, Dt = dt.Pointer, Pixels = pixels, C = channels, Accumulate = accumulate ? 1 : 0,
                });
            }
            tape.PassGrad(x, dy);
        });
    }

    /// <summary>y[n,...] = x[n,...] + p[...]: adds the same table, such as position embeddings, to every sample.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,L,C]</c>, or any shape of rank 2 or more.</param>
    /// <param name="p"><c>[L,C]</c>: the shape of one sample of <paramref name="x"/>.</param>
    public static Tensor AddRows(this Tape tape, Tensor x, Tensor p)
    {
        const string Op = "add_rows";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.That(x.Shape.Rank >= 2, Op, x, "[N,L,C]");
        OpCheck.Argument(tape.Device, Op, p, x.Shape.ToArray()[1..]);
        var y = tape.New(x.Shape);
        tape.Device.Launch("add_rows_fwd_f32", Tiles.Flat(p.Count, x.Shape[0]), new AddRowsParams
        {
            X = x.Pointer, P = p.Pointer, Y = y.Pointer, Row = p.Count, N = x.Shape[0],
        });
        return tape.Record(y, [x, p], dy =>
        {
            if (p.RequiresGrad)
            {
                var (dp, accumulate) = tape.GradOf(p);
                tape.Device.Launch("add_rows_bwd_f32", Tiles.Flat(p.Count), new AddRowsParams
                {
                    X = dy.Pointer, Y = dp.Pointer, Row = p.Count, N = x.Shape[0], Accumulate = accumulate ? 1 : 0,
                });
            }
            tape.PassGrad(x, dy);
        });
    }

    /// <summary>Hands <paramref name="dy"/> on by value, where it is needed once more.</summary>
    private static void CopyGrad(Tape tape, Tensor input, Tensor dy)
    {
        var (dx, accumulate) = tape.GradOf(input);
        if (accumulate) InPlace.AddInto(tape.Device, dx, dy);
        else dx.CopyFrom(dy);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AddParams
    {
        public nint A, B, Y;
        public long N;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AddPerSampleGradParams
    {
        public nint Dy, Dt;
        public int Pixels, C, Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AddRowsParams
    {
        public nint X, P, Y;
        public long Row;
        public int N, Accumulate;
    }
}
