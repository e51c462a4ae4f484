using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>
/// Pooling over square windows and over whole pictures, NHWC, F32; kernels in <c>pool.cu</c>. Every op treats each sample and channel alone and
/// goes through a window in the order (row, column). Windows are those of PyTorch with <c>ceil_mode=False</c> and <c>dilation=1</c>: output pixel i
/// begins at input pixel i·stride − padding, and a remainder that fills no window is left out.
/// </summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static partial class Pool
{
    /// <summary>Largest window of the maximum, whose place is kept in a byte.</summary>
    private const int MaxKernel = 16;

    /// <summary>
    /// y = the largest value of each window. The first of equal ones gets the whole gradient; padding never wins; a NaN does, the last of several.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,H,W,C]</c>.</param>
    /// <param name="kernel">Side of the window, 1 to 16.</param>
    /// <param name="stride">Pixels from window to window, at least 1.</param>
    /// <param name="padding">Pixels on every side, at most half of <paramref name="kernel"/>.</param>
    /// <returns><c>[N,OH,OW,C]</c> with OH = ⌊(H + 2 padding − kernel) / stride⌋ + 1.</returns>
    public static Tensor MaxPool2d(this Tape tape, Tensor x, int kernel, int stride, int padding = 0)
    {
        const string Op = "max_pool";
        var shape = ShapeOf(tape, Op, x, kernel, stride, padding, countPad: false);
        if (kernel > MaxKernel) throw new ArgumentException($"{Op}: kernel is {kernel}, it must be at most {MaxKernel}", nameof(kernel));
        var y = tape.New([x.Shape[0], shape.OutH, shape.OutW, shape.C]);
        var tap = tape.Recording && x.RequiresGrad ? tape.New(y.Shape, DType.U8) : null;
        int rows = Tiles.RowsPerBlock(shape.C);
        tape.Device.Launch("max_pool_fwd_f32", Tiles.Rows(y.Shape.Rows, rows), new MaxPoolParams
        {
            X = x.Pointer, Y = y.Pointer, Tap = tap?.Pointer ?? 0, Pixels = y.Shape.Rows, Shape = shape, RowsPerBlock = rows,
        });
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            tape.Device.Launch("max_pool_bwd_f32", Tiles.Rows(x.Shape.Rows, rows), new MaxPoolGradParams
            {
                Dy = dy.Pointer, Tap = tap!.Pointer, Dx = dx.Pointer, Pixels = x.Shape.Rows, Shape = shape, RowsPerBlock = rows,
                Accumulate = accumulate ? 1 : 0,
            });
            tap.Release();
        });
    }

    /// <summary>y = the mean of each window.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,H,W,C]</c>.</param>
    /// <param name="kernel">Side of the window, at least 1.</param>
    /// <param name="stride">Pixels from window to window, at least 1.</param>
    /// <param name="padding">Pixels of zeros on every side, at most half of <paramref name="kernel"/>.</param>
    /// <param name="countIncludePad">Whether the mean is over kernel² values, zeros of the padding among them, or over the pixels only.</param>
    /// <returns><c>[N,OH,OW,C]</c> with OH = ⌊(H + 2 padding − kernel) / stride⌋ + 1.</returns>
    public static Tensor AvgPool2d(this Tape tape, Tensor x, int kernel, int stride, int padding = 0, bool countIncludePad = true)
    {
        var shape = ShapeOf(tape, "avg_pool", x, kernel, stride, padding, countIncludePad);
        var y = tape.New([x.Shape[0], shape.OutH, shape.OutW, shape.C]);
        int rows = Tiles.RowsPerBlock(shape.C);
        tape.Device.Launch("avg_pool_fwd_f32", Tiles.Rows(y.Shape.Rows, rows), new AvgPoolParams
        {
            X = x.Pointer, Y = y.Pointer, Pixels = y.Shape.Rows, Shape = shape, RowsPerBlock = rows,
        });
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            tape.Device.Launch("avg_pool_bwd_f32", Tiles.Rows(x.Shape.Rows, rows), new AvgPoolParams
            {
                X = dy.Pointer, Y = dx.Pointer, Pixels = x.Shape.Rows, Shape = shape, RowsPerBlock = rows, Accumulate = accumulate ? 1 : 0,
            });
        });
    }

    /// <summary>y[n,c] = the mean of channel c of sample n.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,...,C]</c>, not empty.</param>
    /// <returns><c>[N,C]</c>.</returns>
    public static Tensor GlobalAvgPool(this Tape tape, Tensor x)
    {
        const string Op = "global_avg_pool";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.That(x.Shape.Rank >= 2 && x.Count > 0, Op, x, "[N,...,C], not empty");
        int samples = x.Shape[0], channels = x.Shape[^1], pixels = OpCheck.Int(Op, x.Count / samples / channels, "the number of pixels");
        var y = tape.New([samples, channels]);
        tape.Device.Launch("global_avg_pool_fwd_f32", new Grid((channels + KernelConstants.COLUMNS - 1) / KernelConstants.COLUMNS, samples), new GlobalAvgPoolParams
        {
            X = x.Pointer, Y = y.Pointer, Pixels = pixels, C = channels,
        });
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            int rows = Tiles.RowsPerBlock(channels);
            tape.Device.Launch("global_avg_pool_bwd_f32", Tiles.Rows(pixels, rows, samples), new GlobalAvgPoolParams
            {
                X = dy.Pointer, Y = dx.Pointer, Pixels = pixels, C = channels, RowsPerBlock = rows, Accumulate = accumulate ? 1 : 0,
            });
        });
    }

    /// <summary>
    /// Generalised mean of order 3 (Radenović et al. 2019): y[n,c] = (mean of max(x, eps)³ over the pixels of channel c of sample n)^(1/3). A value
    /// below eps has no gradient.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,...,C]</c>, not empty.</param>
    /// <param name="eps">The least a value counts as, in [1e-12, 1]: its cube is a normal number.</param>
    /// <returns><c>[N,C]</c>.</returns>
    public static Tensor GemPool(this Tape tape, Tensor x, float eps = 1e-6f)
    {
        const string Op = "gem_pool";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.That(x.Shape.Rank >= 2 && x.Count > 0, Op, x, "[N,...,C], not empty");
        if (eps is not (>= 1e-12f and <= 1f)) throw new ArgumentException($"{Op}: eps is {eps}, it must lie in [1e-12, 1]", nameof(eps));
        int samples = x.Shape[0], channels = x.Shape[^1], pixels = OpCheck.Int(Op, x.Count / samples / channels, "the number of pixels");
        var y = tape.New([samples, channels]);
        tape.Device.Launch("gem_pool_fwd_f32", new Grid((channels + KernelConstants.COLUMNS - 1) / KernelConstants.COLUMNS, samples), new GemPoolParams
        {
            X = x.Pointer, Y = y.Pointer, Pixels = pixels, C = channels, Eps = eps,
        });
        return tape.Record(y, [x], dy =>
        {
            var (dx, accumulate) = tape.GradOf(x);
            int rows = Tiles.RowsPerBlock(channels);
            tape.Device.Launch("gem_pool_bwd_f32", Tiles.Rows(pixels, rows, samples), new GemPoolParams
            {
                X = x.Pointer, Dy = dy.Pointer, Y = y.Pointer, Dx = dx.Pointer, Pixels = pixels, C = channels, Eps = eps, RowsPerBlock = rows,
                Accumulate = accumulate ? 1 : 0,
            });
        });
    }

    private static PoolShape ShapeOf(Tape tape, string op, Tensor x, int kernel, int stride, int padding, bool countPad)
    {
        OpCheck.Argument(tape.Device, op, x);
        OpCheck.That(x.Shape.Rank == 4 && x.Count > 0, op, x, "[N,H,W,C], not empty");
        if (kernel < 1) throw new ArgumentException($"{op}: kernel is {kernel}, it must be at least 1", nameof(kernel));
        if (stride < 1) throw new ArgumentException($"{op}: stride is {stride}, it must be at least 1", nameof(stride));
        if (padding < 0 || padding > kernel / 2)
        {
            throw new ArgumentException($"{op}: padding is {padding}, it must lie between 0 and half of the kernel, {kernel / 2}", nameof(padding));
        }
        OpCheck.Int(op, x.Shape.Rows, "the number of pixels");
        int h = x.Shape[1] + (2 * padding) - kernel, w = x.Shape[2] + (2 * padding) - kernel;
        OpCheck.That(h >= 0 && w >= 0, op, x, $"at least as large as a window of {kernel} once it is padded by {padding}");
        return new PoolShape
        {
            H = x.Shape[1], W = x.Shape[2], C = x.Shape[3], OutH = (h / stride) + 1, OutW = (w / stride) + 1,
            Kernel = kernel, Stride = stride, Pad = padding, CountPad = countPad ? 1 : 0,
        };
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PoolShape
    {
        public int H, W, C, OutH, OutW, Kernel, Stride, Pad, CountPad;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MaxPoolParams
    {
        public nint X, Y, Tap;
        public long Pixels;
        public PoolShape Shape;
        public int RowsPerBlock;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MaxPoolGradParams
    {
        public nint Dy, Tap, Dx;
        public long Pixels;
        public PoolShape Shape;
        public int RowsPerBlock, Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AvgPoolParams
    {
        public nint X, Y;
        public long Pixels;
        public PoolShape Shape;
        public int RowsPerBlock, Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GlobalAvgPoolParams
    {
        public nint X, Y;
        public int Pixels, C, RowsPerBlock, Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GemPoolParams
    {
        public nint X, Dy, Y, Dx;
        public int Pixels, C;
        public float Eps;
        public int RowsPerBlock, Accumulate;
    }
}
