using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>
/// Scaled-dot-product attention without the score matrix in memory, and softmax, F32; kernels in <c>attention.cu</c>. Every sum has a fixed
/// order, backward included, and each sample and head is treated alone.
/// </summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static partial class DotProductAttention
{
    /// <summary>Widest head that has a gradient.</summary>
    public const int MaxHeadWidth = 160;

    /// <summary>Widest head.</summary>
    public const int MaxForwardHeadWidth = 512;

    /// <summary>
    /// o = softmax(q kᵀ / √d) v for each sample and head (Vaswani et al. 2017), head h being channels h·d .. h·d+d of all four.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="q"><c>[N,L,C]</c>, not empty.</param>
    /// <param name="k"><c>[N,S,C]</c>, not empty.</param>
    /// <param name="v"><c>[N,S,C]</c>.</param>
    /// <param name="heads">Number of heads; divides C into heads of a width d that is a multiple of 4, at most <see cref="MaxHeadWidth"/>, or
    /// <see cref="MaxForwardHeadWidth"/> where no gradient is wanted.</param>
    /// <param name="causal">Whether query i sees keys 0 .. i only; L must then equal S.</param>
    /// <returns><c>[N,L,C]</c>.</returns>
    public static Tensor Attention(this Tape tape, Tensor q, Tensor k, Tensor v, int heads, bool causal = false)
    {
        const string Op = "attention";
        OpCheck.Argument(tape.Device, Op, q);
        OpCheck.That(q.Shape.Rank == 3 && q.Count > 0, Op, q, "[N,L,C], not empty");
        int samples = q.Shape[0], queries = q.Shape[1], channels = q.Shape[2];
        OpCheck.Argument(tape.Device, Op, k);
        OpCheck.That(
            k.Shape.Rank == 3 && k.Count > 0 && k.Shape[0] == samples && k.Shape[2] == channels,
            Op,
            k,
            $"[{samples},S,{channels}], not empty, for q {q.Shape}");
        OpCheck.Argument(tape.Device, Op, v, k.Shape);
        int keys = k.Shape[1];
        if (heads < 1 || channels % heads != 0)
        {
            throw new ArgumentException($"{Op}: heads is {heads}, it must divide the {channels} channels of q {q.Shape}", nameof(heads));
        }
        int width = channels / heads;
        bool graded = tape.Recording && (q.RequiresGrad || k.RequiresGrad || v.RequiresGrad);
        int widest = graded ? MaxHeadWidth : MaxForwardHeadWidth;
        if (width % 4 != 0 || width > widest)
        {
            throw new ArgumentException(
                $"{Op}: {heads} heads of q {q.Shape} are {width} wide, they must be a multiple of 4 and at most {widest} wide"
                + (graded ? " where a gradient is wanted" : ""),
                nameof(heads));
        }
        if (causal && keys != queries)
        {
            throw new ArgumentException($"{Op}: causal needs as many keys as queries, k is {k.Shape} and q is {q.Shape}", nameof(causal));
        }

        // The widest has no backward.
        var (forward, forwardTile, backwardQ, backwardKv, backwardTile) = width switch
        {
            <= 64 => ("attention_d64_fwd_f32", KernelConstants.D64_TILE, "attention_d64_bwd_q_f32", "attention_d64_bwd_kv_f32", KernelConstants.D64_BACKWARD_TILE),
            <= 160 => (
                "attention_d160_fwd_f32", KernelConstants.D160_TILE, "attention_d160_bwd_q_f32", "attention_d160_bwd_kv_f32", KernelConstants.D160_BACKWARD_TILE),
            _ => (
                "attention_d512_fwd_f32",
                tape.Device.Driver.Kernels.OneThreadPerBlock ? KernelConstants.ONE_THREAD_D512_TILE : KernelConstants.BLOCK_D512_TILE, "", "", 0),
        };
        var shape = new AttentionShape
        {
            L = queries, S = keys, Heads = heads, D = width, Scale = (float)(1 / double.Sqrt(width)), Causal = causal ? 1 : 0,
        };
        var o = tape.New(q.Shape);
        var lse = tape.Recording ? tape.New([samples, heads, queries]) : null;
        tape.Device.Launch(forward, Tiling(queries, forwardTile), new AttentionForwardParams
        {
            Q = q.Pointer, K = k.Pointer, V = v.Pointer, O = o.Pointer, Lse = lse?.Pointer ?? 0, Shape = shape,
        });
        return tape.Record(o, [q, k, v], dy =>
        {
            var delta = tape.New(lse!.Shape);
            int tokens = OpCheck.Int(Op, (long)samples * queries, "the number of queries");
            tape.Device.Launch("attention_delta_f32", Tiles.Rows(tokens, KernelConstants.DELTA_TOKENS), new AttentionDeltaParams
            {
                O = o.Pointer, Dy = dy.Pointer, Delta = delta.Pointer, Tokens = tokens, Shape = shape,
            });
            if (q.RequiresGrad)
            {
                var (dq, accumulate) = tape.GradOf(q);
                tape.Device.Launch(backwardQ, Tiling(queries, backwardTile), new AttentionBackwardQueryParams
                {
                    Q = q.Pointer, K = k.Pointer, V = v.Pointer, Dy = dy.Pointer, Lse = lse.Pointer, Delta = delta.Pointer,
                    Dq = dq.Pointer, Shape = shape, Accumulate = accumulate ? 1 : 0,
                });
            }
            if (k.RequiresGrad || v.RequiresGrad)
            {
                var (dk, accumulateK) = k.RequiresGrad ? tape.GradOf(k) : default;
                var (dv, accumulateV) = v.RequiresGrad ? tape.GradOf(v) : default;
                tape.Device.Launch(backwardKv, Tiling(keys, backwardTile), new AttentionBackwardKeyValueParams
                {
                    Q = q.Pointer, K = k.Pointer, V = v.Pointer, Dy = dy.Pointer, Lse = lse.Pointer, Delta = delta.Pointer,
                    Dk = dk?.Pointer ?? 0, Dv = dv?.Pointer ?? 0, Shape = shape,
                    AccumulateK = accumulateK ? 1 : 0, AccumulateV = accumulateV ? 1 : 0,
                });
            }
            delta.Release();
            lse.Release();
        });

        Grid Tiling(int tokens, int tile) => new((tokens + tile - 1) / tile, heads, samples);
    }

    /// <summary>y = exp(x - max) / Σ exp(x - max) along the last axis.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[...,C]</c>, not empty.</param>
    public static Tensor Softmax(this Tape tape, Tensor x)
    {
        const string Op = "softmax";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.That(x.Shape.Rank >= 1 && x.Count > 0, Op, x, "[...,C], not empty");
        int channels = x.Shape[^1], rows = OpCheck.Int(Op, x.Shape.Rows, "the number of rows");
        int perBlock = int.Min(KernelConstants.SOFTMAX_ROWS, Tiles.RowsPerBlock(channels));
        var grid = Tiles.Rows(rows, perBlock);
        var y = tape.New(x.Shape);
        tape.Device.Launch("softmax_fwd_f32", grid, new SoftmaxParams
        {
            X = x.Pointer, Y = y.Pointer, Rows = rows, C = channels, RowsPerBlock = perBlock,
        });
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            tape.Device.Launch("softmax_bwd_f32", grid, new SoftmaxBackwardParams
            {
                Y = y.Pointer, Dy = dy.Pointer, Dx = dx.Pointer, Rows = rows, C = channels, RowsPerBlock = perBlock, Accumulate = accumulate ? 1 : 0,
            });
        });
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AttentionShape
    {
        public int L, S, Heads, D;
        public float Scale;
        public int Causal;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AttentionForwardParams
    {
        public nint Q, K, V, O, Lse;
        public AttentionShape Shape;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AttentionDeltaParams
    {
        public nint O, Dy, Delta;
        public int Tokens;
        public AttentionShape Shape;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AttentionBackwardQueryParams
    {
        public nint Q, K, V, Dy, Lse, Delta, Dq;
        public AttentionShape Shape;
        public int Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AttentionBackwardKeyValueParams
    {
        public nint Q, K, V, Dy, Lse, Delta, Dk, Dv;
        public AttentionShape Shape;
        public int AccumulateK, AccumulateV;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SoftmaxParams
    {
        public nint X, Y;
        public int Rows, C, RowsPerBlock;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SoftmaxBackwardParams
    {
        public nint Y, Dy, Dx;
        public int Rows, C, RowsPerBlock, Accumulate;
    }
}
