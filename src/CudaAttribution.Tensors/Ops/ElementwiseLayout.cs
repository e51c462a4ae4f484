using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

public static partial class Elementwise
{
    /// <summary>y = (a, b) along the last axis; for activations that is the channel axis.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="a"><c>[...,A]</c>.</param>
    /// <param name="b"><c>[...,B]</c>, the other extents those of <paramref name="a"/>.</param>
    /// <returns><c>[...,A+B]</c>.</returns>
    public static Tensor Concat(this Tape tape, Tensor a, Tensor b)
    {
        const string Op = "concat";
        OpCheck.Argument(tape.Device, Op, a);
        OpCheck.Argument(tape.Device, Op, b);
        OpCheck.That(a.Shape.Rank >= 1, Op, a, "[...,A]");
        OpCheck.That(
            b.Shape.Rank == a.Shape.Rank && b.Shape.AsSpan()[..^1].SequenceEqual(a.Shape.AsSpan()[..^1]),
            Op,
            b,
            $"[...,B] with the outer extents of a {a.Shape}");
        int cols = checked(a.Shape[^1] + b.Shape[^1]), rows = Tiles.RowsPerBlock(cols);
        var y = tape.New([.. a.Shape.AsSpan()[..^1], cols]);
        long total = y.Shape.Rows;
        var grid = Tiles.Rows(total, rows);
        tape.Device.Launch("concat_fwd_f32", grid, new ConcatParams
        {
            A = a.Pointer, B = b.Pointer, Y = y.Pointer, Rows = total, ACols = a.Shape[^1], BCols = b.Shape[^1], RowsPerBlock = rows,
        });
        return tape.Record(y, [a, b], dy =>
        {
            Split(a, 0);
            Split(b, a.Shape[^1]);

            void Split(Tensor x, int start)
            {
                if (!x.RequiresGrad) return;
                var (dx, accumulate) = tape.GradOf(x);
                tape.Device.Launch("concat_bwd_f32", grid, new ConcatGradParams
                {
                    Dy = dy.Pointer, Dx = dx.Pointer, Rows = total, Cols = cols, Start = start, Part = x.Shape[^1], RowsPerBlock = rows,
                    Accumulate = accumulate ? 1 : 0,
                });
            }
        });
    }

    /// <summary>Nearest-neighbour upsampling by two: y[n,h,w,c] = x[n,h/2,w/2,c].</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,H,W,C]</c>.</param>
    /// <returns><c>[N,2H,2W,C]</c>.</returns>
    public static Tensor UpsampleNearest2x(this Tape tape, Tensor x)
    {
        const string Op = "upsample_nearest_2x";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.That(x.Shape.Rank == 4, Op, x, "[N,H,W,C]");
        int h = x.Shape[1], w = x.Shape[2], c = x.Shape[3];
        OpCheck.Int(Op, 4L * w * c, "the size of two output rows");
        var y = tape.New([x.Shape[0], checked(2 * h), checked(2 * w), c]);
        long lines = x.Count == 0 ? 0 : (long)x.Shape[0] * h;
        int rows = Tiles.RowsPerBlock(4L * w * c);
        var grid = Tiles.Rows(lines, rows);
        var forward = new Upsample2xParams { X = x.Pointer, Y = y.Pointer, Rows = lines, W = w, C = c, RowsPerBlock = rows };
        tape.Device.Launch("upsample2x_fwd_f32", grid, forward);
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            tape.Device.Launch("upsample2x_bwd_f32", grid, forward with { X = dy.Pointer, Y = dx.Pointer, Accumulate = accumulate ? 1 : 0 });
        });
    }

    /// <summary>
    /// Sinusoidal embedding of timesteps (Vaswani et al. 2017): y[n] = (cos(t_n f_0), ..., sin(t_n f_0), ...) with f_i = exp(-ln(10000) i / (dim/2)),
    /// cosines first. It has no gradient.
    /// </summary>
    /// <param name="tape">Where the result lives.</param>
    /// <param name="t">I32 <c>[N]</c>, |t| at most 131,072 (beyond it the sine is NaN).</param>
    /// <param name="dim">Even width of the embedding.</param>
    /// <returns><c>[N,dim]</c>.</returns>
    public static Tensor TimestepEmbedding(this Tape tape, Tensor t, int dim)
    {
        const string Op = "timestep_embedding";
        OpCheck.Argument(tape.Device, Op, t, DType.I32);
        OpCheck.That(t.Shape.Rank == 1, Op, t, "[N]");
        if (dim <= 0 || dim % 2 != 0) throw new ArgumentException($"{Op}: dim is {dim}, it must be even and positive", nameof(dim));
        int n = t.Shape[0], rows = Tiles.RowsPerBlock(dim);
        var y = tape.New([n, dim]);
        tape.Device.Launch("timestep_embedding_f32", Tiles.Rows(n, rows), new TimestepEmbeddingParams
        {
            T = t.Pointer, Y = y.Pointer, Ratio = double.Exp(-double.Log(10000) / (dim / 2)), N = n, Half = dim / 2, RowsPerBlock = rows,
        });
        return y;
    }

    /// <summary>How many elements are NaN or infinite. Waits for the device.</summary>
    public static long CountNonFinite(Tensor x)
    {
        OpCheck.Argument(x.Device, "count_non_finite", x);
        var grid = Tiles.Flat(x.Count);
        using var arena = new Arena(x.Device);
        var count = arena.New([grid.X], DType.I32);
        x.Device.Launch("count_non_finite_f32", grid, new CountNonFiniteParams { X = x.Pointer, Count = count.Pointer, N = x.Count });
        return count.ToArray<int>().Sum(c => (long)c);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ConcatParams
    {
        public nint A, B, Y;
        public long Rows;
        public int ACols, BCols, RowsPerBlock;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ConcatGradParams
    {
        public nint Dy, Dx;
        public long Rows;
        public int Cols, Start, Part, RowsPerBlock, Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Upsample2xParams
    {
        public nint X, Y;
        public long Rows;
        public int W, C, RowsPerBlock, Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimestepEmbeddingParams
    {
        public nint T, Y;
        public double Ratio;
        public int N, Half, RowsPerBlock;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct CountNonFiniteParams
    {
        public nint X, Count;
        public long N;
    }
}
