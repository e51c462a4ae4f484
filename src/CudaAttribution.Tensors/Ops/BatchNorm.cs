using System.Runtime.InteropServices;
using CudaAttribution.Driver;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Ops;

/// <summary>What batch norm remembers of the batches it was trained on: buffers of a <see cref="ParameterSet"/>.</summary>
/// <param name="Mean">Running mean, F32 <c>[C]</c>.</param>
/// <param name="Variance">Running unbiased variance, F32 <c>[C]</c>.</param>
/// <param name="Batches">Number of batches, one I64; null where nobody counts.</param>
public sealed record RunningStatistics(Tensor Mean, Tensor Variance, Tensor? Batches = null);

/// <summary>
/// Batch norm (Ioffe and Szegedy 2015), F32; kernels in <c>batch_norm.cu</c>: y = w (x − mean) / √(var + eps) + b for every channel, where mean and
/// variance are those of the batch (training) or the running ones (evaluation). Statistics are two-pass F32 in an order that depends on the shape only.
/// </summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static partial class BatchNormalisation
{
    /// <summary>Rows whose statistics are taken at a time: a function of nothing, so that no bit depends on the device.</summary>
    private const int ChunkRows = 1024;

    /// <summary>
    /// Normalises with the mean and the biased variance of this batch, over all axes but the last, and moves the running statistics, as PyTorch's
    /// <c>BatchNorm2d</c> does in training: running += momentum (batch − running), the variance unbiased.
    /// </summary>
    /// <remarks>
    /// A block of the network that <see cref="Tape.Recompute"/> runs once more for its gradients does not move the running statistics again.
    /// </remarks>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[...,C]</c>, at least two values a channel.</param>
    /// <param name="w"><c>[C]</c>.</param>
    /// <param name="b"><c>[C]</c>.</param>
    /// <param name="running">Moved in place; null for none.</param>
    /// <param name="eps">Added to the variance; positive.</param>
    /// <param name="momentum">Weight of this batch in the running statistics, in [0, 1].</param>
    public static Tensor BatchNormTrain(this Tape tape, Tensor x, Tensor w, Tensor b, RunningStatistics? running, float eps = 1e-5f, float momentum = 0.1f)
    {
        const string Op = "batch_norm_train";
        int channels = ChannelsOf(tape, Op, x, w, b, eps);
        long rows = x.Shape.Rows;
        OpCheck.That(rows >= 2, Op, x, "[...,C] with at least two values a channel: the variance of one is nothing");
        if (momentum is not (>= 0 and <= 1)) throw new ArgumentException($"{Op}: momentum is {momentum}, it must lie in [0, 1]", nameof(momentum));
        if (running is not null) Check(tape.Device, Op, running, channels);

        int chunks = KernelMath.Tiles(rows, ChunkRows);
        var mean = tape.New([channels]);
        var rstd = tape.New([channels]);
        var moved = tape.Repeating ? null : running;
        var part = tape.Device.Pool.RentWorkspace(2L * chunks * channels * sizeof(float));
        tape.Device.Launch("batch_norm_stats_f32", ColumnTiles(chunks, channels), new StatsParams
        {
            X = x.Pointer, Part = part.Pointer, Rows = rows, C = channels, ChunkRows = ChunkRows,
        });
        tape.Device.Launch("batch_norm_merge_f32", Tiles.Flat(channels), new MergeParams
        {
            Part = part.Pointer, Mean = mean.Pointer, Rstd = rstd.Pointer, RunningMean = moved?.Mean.Pointer ?? 0,
            RunningVar = moved?.Variance.Pointer ?? 0, Batches = moved?.Batches?.Pointer ?? 0, Rows = rows, C = channels, Chunks = chunks,
            ChunkRows = ChunkRows, Eps = eps, Momentum = momentum,
        });
        part.Release();
        return Normalise(tape, x, w, b, mean, rstd, ofThisBatch: true, mean, rstd);
    }

    /// <summary>Normalises with running statistics, which stay as they are: every row is treated alone.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[...,C]</c>, not empty.</param>
    /// <param name="w"><c>[C]</c>.</param>
    /// <param name="b"><c>[C]</c>.</param>
    /// <param name="running">The statistics; no gradient goes to them.</param>
    /// <param name="eps">Added to the variance; positive.</param>
    public static Tensor BatchNormEval(this Tape tape, Tensor x, Tensor w, Tensor b, RunningStatistics running, float eps = 1e-5f)
    {
        const string Op = "batch_norm_eval";
        int channels = ChannelsOf(tape, Op, x, w, b, eps);
        Check(tape.Device, Op, running, channels);
        var rstd = tape.New([channels]);
        tape.Device.Launch("batch_norm_eval_f32", Tiles.Flat(channels), new EvalParams
        {
            Var = running.Variance.Pointer, Rstd = rstd.Pointer, C = channels, Eps = eps,
        });
        return Normalise(tape, x, w, b, running.Mean, rstd, ofThisBatch: false, rstd);
    }

    /// <param name="ofThisBatch">Whether mean and rstd depend on x.</param>
    /// <param name="made">What was made for this op, to be given back after its backward.</param>
    private static Tensor Normalise(Tape tape, Tensor x, Tensor w, Tensor b, Tensor mean, Tensor rstd, bool ofThisBatch, params Tensor[] made)
    {
        int channels = w.Shape[0], perBlock = Tiles.RowsPerBlock(channels);
        long rows = x.Shape.Rows;
        var grid = Tiles.Rows(rows, perBlock);
        var y = tape.New(x.Shape);
        tape.Device.Launch("batch_norm_fwd_f32", grid, new ForwardParams
        {
            X = x.Pointer, W = w.Pointer, B = b.Pointer, Mean = mean.Pointer, Rstd = rstd.Pointer, Y = y.Pointer, Rows = rows, C = channels,
            RowsPerBlock = perBlock,
        });
        return tape.Record(y, [x, w, b], dy =>
        {
            var sums = w.RequiresGrad || b.RequiresGrad || (ofThisBatch && x.RequiresGrad) ? Sums(tape, x, dy, mean, rstd) : null;
            if (w.RequiresGrad) AddSum(tape, w, sums!.Pointer);
            if (b.RequiresGrad) AddSum(tape, b, sums!.Pointer + (channels * sizeof(float)));
            if (x.RequiresGrad)
            {
                var (dx, accumulate) = tape.GradOf(x);
                tape.Device.Launch("batch_norm_bwd_x_f32", grid, new BackwardXParams
                {
                    X = x.Pointer, Dy = dy.Pointer, W = w.Pointer, Mean = mean.Pointer, Rstd = rstd.Pointer,
                    Sums = ofThisBatch ? sums!.Pointer : 0, Dx = dx.Pointer, Rows = rows, C = channels, RowsPerBlock = perBlock,
                    Accumulate = accumulate ? 1 : 0,
                });
            }
            sums?.Release();
            foreach (var tensor in made) tensor.Release();
        });
    }

    /// <summary><c>[2,C]</c>: the sums of dy·xhat and of dy over all rows.</summary>
    private static Tensor Sums(Tape tape, Tensor x, Tensor dy, Tensor mean, Tensor rstd)
    {
        int channels = x.Shape[^1], chunks = KernelMath.Tiles(x.Shape.Rows, ChunkRows);
        var sums = tape.New([2, channels]);
        var part = tape.Device.Pool.RentWorkspace(chunks * sums.Bytes);
        tape.Device.Launch("batch_norm_bwd_w_f32", ColumnTiles(chunks, channels), new BackwardWParams
        {
            X = x.Pointer, Dy = dy.Pointer, Mean = mean.Pointer, Rstd = rstd.Pointer, Part = part.Pointer, Rows = x.Shape.Rows, C = channels,
            ChunkRows = ChunkRows,
        });
        KernelMath.SplitSum(tape.Device, part.Pointer, sums, chunks, accumulate: false);
        part.Release();
        return sums;
    }

    private static void AddSum(Tape tape, Tensor parameter, nint sum)
    {
        var (gradient, accumulate) = tape.GradOf(parameter);
        KernelMath.SplitSum(tape.Device, sum, gradient, 1, accumulate);
    }

    private static int ChannelsOf(Tape tape, string op, Tensor x, Tensor w, Tensor b, float eps)
    {
        OpCheck.Argument(tape.Device, op, x);
        OpCheck.That(x.Shape.Rank >= 2 && x.Count > 0, op, x, "[...,C], not empty");
        OpCheck.Argument(tape.Device, op, w, new Shape(x.Shape[^1]));
        OpCheck.Argument(tape.Device, op, b, new Shape(x.Shape[^1]));
        if (!(eps > 0f && float.IsFinite(eps))) throw new ArgumentException($"{op}: eps is {eps}, it must be positive and finite", nameof(eps));
        return x.Shape[^1];
    }

    private static void Check(ComputeDevice device, string op, RunningStatistics running, int channels)
    {
        OpCheck.Argument(device, op, running.Mean, new Shape(channels));
        OpCheck.Argument(device, op, running.Variance, new Shape(channels));
        if (running.Batches is not { } batches) return;
        OpCheck.Argument(device, op, batches, DType.I64);
        OpCheck.That(batches.Count == 1, op, batches, "one number");
    }

    private static Grid ColumnTiles(int chunks, int channels) => new(checked(chunks * KernelMath.Tiles(channels, KernelConstants.COLUMNS)));

    [StructLayout(LayoutKind.Sequential)]
    private struct StatsParams
    {
        public nint X, Part;
        public long Rows;
        public int C, ChunkRows;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MergeParams
    {
        public nint Part, Mean, Rstd, RunningMean, RunningVar, Batches;
        public long Rows;
        public int C, Chunks, ChunkRows;
        public float Eps, Momentum;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct EvalParams
    {
        public nint Var, Rstd;
        public int C;
        public float Eps;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ForwardParams
    {
        public nint X, W, B, Mean, Rstd, Y;
        public long Rows;
        public int C, RowsPerBlock;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct BackwardWParams
    {
        public nint X, Dy, Mean, Rstd, Part;
        public long Rows;
        public int C, ChunkRows;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct BackwardXParams
    {
        public nint X, Dy, W, Mean, Rstd, Sums, Dx;
        public long Rows;
        public int C, RowsPerBlock, Accumulate;
    }
}
