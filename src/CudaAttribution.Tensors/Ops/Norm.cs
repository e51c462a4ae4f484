using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>
/// Group norm and layer norm, F32; kernels in <c>norm.cu</c>. Statistics are two-pass F32 per sample or row, so a sample's result does not
/// depend on its batch; gradients of weights are summed in a fixed order. Backward keeps the mean and 1/std only.
/// </summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static partial class Norm
{
    /// <summary>Fewest channels of a slab, where there are that many; and most of one that is made of several groups.</summary>
    private const int NarrowSlab = 32, WideSlab = 64;

    /// <summary>Floats of the widest vector the kernels are built for.</summary>
    private const int VectorLanes = 16;

    /// <summary>Fewest rows that one part of dw and db covers, and most parts there are.</summary>
    private const int ChunkRows = 64, MaxChunks = 128;

    /// <summary>
    /// Group norm (Wu and He 2018): y = w (x - mean) / sqrt(var + eps) + b, where mean and (biased) variance are those of a sample's group of
    /// neighbouring channels over all positions; then, where <paramref name="silu"/> is set, y σ(y) in the same pass.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,...,C]</c>, not empty.</param>
    /// <param name="w"><c>[C]</c>.</param>
    /// <param name="b"><c>[C]</c>.</param>
    /// <param name="groups">Number of groups; divides C.</param>
    /// <param name="eps">
    /// Added to the variance; 1e-5 in ResNet blocks and before the output, 1e-6 before spatial transformers and in the VAE.
    /// </param>
    /// <param name="silu">Whether SiLU follows.</param>
    public static Tensor GroupNorm(this Tape tape, Tensor x, Tensor w, Tensor b, int groups, float eps, bool silu = false)
    {
        var (op, forward, backward) = silu
            ? ("group_norm_silu", "group_norm_silu_fwd_f32", "group_norm_silu_bwd_f32")
            : ("group_norm", "group_norm_fwd_f32", "group_norm_bwd_f32");
        OpCheck.Argument(tape.Device, op, x);
        OpCheck.That(x.Shape.Rank >= 2 && x.Count > 0, op, x, "[N,...,C], not empty");
        int samples = x.Shape[0], channels = x.Shape[^1];
        if (groups < 1 || channels % groups != 0)
        {
            throw new ArgumentException($"{op}: groups is {groups}, it must divide the {channels} channels of x {x.Shape}", nameof(groups));
        }
        RequireEps(op, eps);
        OpCheck.Argument(tape.Device, op, w, new Shape(channels));
        OpCheck.Argument(tape.Device, op, b, new Shape(channels));

        var shape = new GroupShape
        {
            Positions = OpCheck.Int(op, x.Count / samples / channels, "the number of positions"), C = channels,
            GroupChannels = channels / groups, SlabChannels = SlabChannels(channels, channels / groups), Eps = eps,
        };
        var grid = new Grid(Blocks(channels, shape.SlabChannels), samples);
        var y = tape.New(x.Shape);
        var mean = tape.New([samples, groups]);
        var rstd = tape.New([samples, groups]);
        tape.Device.Launch(forward, grid, new GroupNormForwardParams
        {
            X = x.Pointer, W = w.Pointer, B = b.Pointer, Y = y.Pointer, Mean = mean.Pointer, Rstd = rstd.Pointer, Shape = shape,
        });
        return tape.Record(y, [x, w, b], dy =>
        {
            var (dx, accumulate) = x.RequiresGrad ? tape.GradOf(x) : default;
            var part = w.RequiresGrad || b.RequiresGrad ? tape.New([samples, 2, channels]) : null;
            tape.Device.Launch(backward, grid, new GroupNormBackwardParams
            {
                X = x.Pointer, Dy = dy.Pointer, W = w.Pointer, B = b.Pointer, Mean = mean.Pointer, Rstd = rstd.Pointer,
                Dx = dx?.Pointer ?? 0, Part = part?.Pointer ?? 0, Shape = shape, Accumulate = accumulate ? 1 : 0,
            });
            if (part is not null) SumParts(tape, part, samples, w, b);
            mean.Release();
            rstd.Release();
        });
    }

    /// <summary>
    /// Layer norm (Ba et al. 2016): y = w (x - mean) / sqrt(var + eps) + b, where mean and (biased) variance are those of a row.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[...,C]</c>, not empty; a row is its last axis.</param>
    /// <param name="w"><c>[C]</c>.</param>
    /// <param name="b"><c>[C]</c>.</param>
    /// <param name="eps">Added to the variance; 1e-5 in the U-Net and the text encoder.</param>
    public static Tensor LayerNorm(this Tape tape, Tensor x, Tensor w, Tensor b, float eps)
    {
        const string Op = "layer_norm";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.That(x.Shape.Rank >= 1 && x.Count > 0, Op, x, "[...,C], not empty");
        RequireEps(Op, eps);
        int channels = x.Shape[^1], rows = OpCheck.Int(Op, x.Shape.Rows, "the number of rows");
        OpCheck.Argument(tape.Device, Op, w, new Shape(channels));
        OpCheck.Argument(tape.Device, Op, b, new Shape(channels));

        int perBlock = int.Min(KernelConstants.LAYER_ROWS, Tiles.RowsPerBlock(channels));
        var grid = Tiles.Rows(rows, perBlock);
        var y = tape.New(x.Shape);
        var mean = tape.New([rows]);
        var rstd = tape.New([rows]);
        tape.Device.Launch("layer_norm_fwd_f32", grid, new LayerNormForwardParams
        {
            X = x.Pointer, W = w.Pointer, B = b.Pointer, Y = y.Pointer, Mean = mean.Pointer, Rstd = rstd.Pointer,
            Rows = rows, C = channels, RowsPerBlock = perBlock, Eps = eps,
        });
        return tape.Record(y, [x, w, b], dy =>
        {
            if (x.RequiresGrad)
            {
                var (dx, accumulate) = tape.GradOf(x);
                tape.Device.Launch("layer_norm_bwd_x_f32", grid, new LayerNormBackwardXParams
                {
                    X = x.Pointer, Dy = dy.Pointer, W = w.Pointer, Mean = mean.Pointer, Rstd = rstd.Pointer, Dx = dx.Pointer,
                    Rows = rows, C = channels, RowsPerBlock = perBlock, Accumulate = accumulate ? 1 : 0,
                });
            }
            if (w.RequiresGrad || b.RequiresGrad)
            {
                int chunk = int.Max(ChunkRows, Blocks(rows, MaxChunks)), chunks = Blocks(rows, chunk);
                var part = tape.New([chunks, 2, channels]);
                tape.Device.Launch("layer_norm_bwd_w_f32", new(chunks, Blocks(channels, KernelConstants.COLUMNS)), new LayerNormBackwardWParams
                {
                    X = x.Pointer, Dy = dy.Pointer, Mean = mean.Pointer, Rstd = rstd.Pointer, Part = part.Pointer,
                    Rows = rows, C = channels, ChunkRows = chunk,
                });
                SumParts(tape, part, chunks, w, b);
            }
            mean.Release();
            rstd.Release();
        });
    }

    /// <summary>Rows of unit length: y = x / max(‖x‖, eps), in the Euclidean norm.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[...,C]</c>, not empty; a row is its last axis.</param>
    /// <param name="eps">The least length that is divided by; a shorter row stays shorter than 1.</param>
    public static Tensor UnitNorm(this Tape tape, Tensor x, float eps = 1e-12f)
    {
        const string Op = "unit_norm";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.That(x.Shape.Rank >= 1 && x.Count > 0, Op, x, "[...,C], not empty");
        RequireEps(Op, eps);
        int channels = x.Shape[^1], rows = OpCheck.Int(Op, x.Shape.Rows, "the number of rows");
        int perBlock = int.Min(KernelConstants.LAYER_ROWS, Tiles.RowsPerBlock(channels));
        var grid = Tiles.Rows(rows, perBlock);
        var y = tape.New(x.Shape);
        var length = tape.New([rows]);
        tape.Device.Launch("unit_norm_fwd_f32", grid, new UnitNormForwardParams
        {
            X = x.Pointer, Y = y.Pointer, Length = length.Pointer, Rows = rows, C = channels, RowsPerBlock = perBlock, Eps = eps,
        });
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            tape.Device.Launch("unit_norm_bwd_f32", grid, new UnitNormBackwardParams
            {
                Y = y.Pointer, Dy = dy.Pointer, Length = length.Pointer, Dx = dx.Pointer, Rows = rows, C = channels, RowsPerBlock = perBlock,
                Accumulate = accumulate ? 1 : 0, Eps = eps,
            });
            length.Release();
        });
    }

    /// <summary>dw and db (+)= the sums over <paramref name="part"/> <c>[parts,2,C]</c>, which is given back.</summary>
    private static void SumParts(Tape tape, Tensor part, int parts, Tensor w, Tensor b)
    {
        int channels = part.Shape[^1];
        var (dw, accumulateW) = w.RequiresGrad ? tape.GradOf(w) : default;
        var (db, accumulateB) = b.RequiresGrad ? tape.GradOf(b) : default;
        tape.Device.Launch("norm_bwd_w_f32", new(Blocks(channels, KernelConstants.PART_COLUMNS), 2), new NormBackwardWParams
        {
            Part = part.Pointer, Dw = dw?.Pointer ?? 0, Db = db?.Pointer ?? 0, Parts = parts, C = channels,
            AccumulateW = accumulateW ? 1 : 0, AccumulateB = accumulateB ? 1 : 0,
        });
        part.Release();
    }

    /// <summary>
    /// Channels of a slab: whole groups, about <see cref="NarrowSlab"/> channels for many blocks, up to <see cref="WideSlab"/> where that leaves
    /// fewer lanes of a vector idle. A function of the channels alone.
    /// </summary>
    internal static int SlabChannels(int channels, int groupChannels)
    {
        int best = int.Min(channels, Blocks(NarrowSlab, groupChannels) * groupChannels);
        int most = int.Min(int.Min(channels, WideSlab), KernelConstants.SLAB_GROUPS * groupChannels);
        for (int slab = best + groupChannels; slab <= most; slab += groupChannels)
        {
            if (Vectors(slab) < Vectors(best)) best = slab;
        }
        return best;

        int Vectors(int slab) => channels / slab * Blocks(slab, VectorLanes) + Blocks(channels % slab, VectorLanes);
    }

    private static void RequireEps(string op, float eps)
    {
        if (!(eps > 0f && float.IsFinite(eps))) throw new ArgumentException($"{op}: eps is {eps}, it must be positive and finite", nameof(eps));
    }

    private static int Blocks(int count, int size) => (count + size - 1) / size;

    [StructLayout(LayoutKind.Sequential)]
    private struct GroupShape
    {
        public int Positions, C, GroupChannels, SlabChannels;
        public float Eps;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GroupNormForwardParams
    {
        public nint X, W, B, Y, Mean, Rstd;
        public GroupShape Shape;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GroupNormBackwardParams
    {
        public nint X, Dy, W, B, Mean, Rstd, Dx, Part;
        public GroupShape Shape;
        public int Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct LayerNormForwardParams
    {
        public nint X, W, B, Y, Mean, Rstd;
        public int Rows, C, RowsPerBlock;
        public float Eps;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct LayerNormBackwardXParams
    {
        public nint X, Dy, W, Mean, Rstd, Dx;
        public int Rows, C, RowsPerBlock, Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct LayerNormBackwardWParams
    {
        public nint X, Dy, Mean, Rstd, Part;
        public int Rows, C, ChunkRows;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct NormBackwardWParams
    {
        public nint Part, Dw, Db;
        public int Parts, C, AccumulateW, AccumulateB;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct UnitNormForwardParams
    {
        public nint X, Y, Length;
        public int Rows, C, RowsPerBlock;
        public float Eps;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct UnitNormBackwardParams
    {
        public nint Y, Dy, Length, Dx;
        public int Rows, C, RowsPerBlock, Accumulate;
        public float Eps;
    }
}
