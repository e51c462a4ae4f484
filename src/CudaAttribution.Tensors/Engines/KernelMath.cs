using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Engines;

/// <summary>
/// Matrix products and convolutions by this project's own kernels (<c>kernels/conv2d.cu</c>, <c>kernels/gemm.cu</c>): the same bits on
/// every device, for any batch and any number of threads. The audit path.
/// </summary>
public sealed class KernelMath(ComputeDevice device) : IMathLibrary
{
    /// <summary>
    /// Rows of k that one split of a weight gradient sums. A function of nothing: the order of summation must not depend on the device.
    /// </summary>
    internal const int SplitRows = 1024;

    private readonly int _tileM = device.Driver.Kernels.OneThreadPerBlock ? KernelConstants.ONE_THREAD_TILE_M : KernelConstants.BLOCK_TILE_M;

    public string Name => "kernels";

    public DType Operands => DType.F32;

    public void Conv2dForward(in Conv2dShape s, Tensor x, Tensor w, Tensor? b, Tensor y)
    {
        var transposed = device.Pool.RentWorkspace(w.Bytes);
        Transpose(w.Pointer, transposed.Pointer, s.O, s.Kernel * s.Kernel * s.C);
        var p = Conv2dParams.Of(s, x.Pointer, transposed.Pointer, b?.Pointer ?? 0, y.Pointer);
        device.Launch("conv2d_fwd_f32", new Grid(Tiles(s.Pixels, _tileM), Tiles(s.O, KernelConstants.TILE_N)), in p);
        transposed.Release();
    }

    public void Conv2dBackwardData(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx, bool accumulate)
    {
        var p = Conv2dParams.Of(s, dy.Pointer, w.Pointer, 0, dx.Pointer);
        p.Accumulate = accumulate ? 1 : 0;
        device.Launch("conv2d_bwd_x_f32", new Grid(Tiles((long)s.N * s.H * s.W, _tileM), Tiles(s.C, KernelConstants.TILE_N)), in p);
    }

    public void Conv2dBackwardWeights(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw, bool accumulate)
    {
        int splits = Tiles(s.Pixels, SplitRows);
        int taps = s.Kernel * s.Kernel;
        var part = device.Pool.RentWorkspace(splits * dw.Bytes);
        var p = Conv2dParams.Of(s, x.Pointer, dy.Pointer, 0, part.Pointer);
        p.Chunk = SplitRows;
        device.Launch("conv2d_bwd_w_f32", new Grid(Tiles(s.O, _tileM), taps * Tiles(s.C, KernelConstants.TILE_N), splits), in p);
        SplitSum(device, part.Pointer, dw, splits, accumulate);
        part.Release();
    }

    public void LinearForward(int m, int o, int i, Tensor x, Tensor w, Tensor? b, Tensor y)
    {
        var transposed = device.Pool.RentWorkspace(w.Bytes);
        Transpose(w.Pointer, transposed.Pointer, o, i);
        Product(x.Pointer, transposed.Pointer, b?.Pointer ?? 0, y.Pointer, m, o, i, false);
        transposed.Release();
    }

    public void LinearBackwardData(int m, int o, int i, Tensor dy, Tensor w, Tensor dx, bool accumulate) =>
        Product(dy.Pointer, w.Pointer, 0, dx.Pointer, m, i, o, accumulate);

    public void LinearBackwardWeights(int m, int o, int i, Tensor x, Tensor dy, Tensor dw, bool accumulate)
    {
        int splits = Tiles(m, SplitRows);
        var part = device.Pool.RentWorkspace(splits * dw.Bytes);
        var p = new GemmSplitParams { A = dy.Pointer, B = x.Pointer, Part = part.Pointer, M = o, N = i, K = m, Chunk = SplitRows };
        device.Launch("gemm_tn_f32", new Grid(Tiles(o, _tileM), Tiles(i, KernelConstants.TILE_N), splits), in p);
        SplitSum(device, part.Pointer, dw, splits, accumulate);
        part.Release();
    }

    public void Dispose()
    {
    }

    /// <summary>db[O] (+)= column sums of dy[rows,O]; every engine uses it.</summary>
    internal static void BiasGradient(ComputeDevice device, Tensor dy, Tensor db, bool accumulate)
    {
        int o = db.Shape[^1];
        long rows = dy.Count / o;
        int chunks = Tiles(rows, SplitRows);
        var part = device.Pool.RentWorkspace(chunks * db.Bytes);
        var p = new BiasGradParams { Dy = dy.Pointer, Part = part.Pointer, Rows = rows, O = o, Chunk = SplitRows };
        device.Launch("bias_bwd_f32", new Grid(checked(chunks * Tiles(o, KernelConstants.COLUMNS))), in p);
        SplitSum(device, part.Pointer, db, chunks, accumulate);
        part.Release();
    }

    /// <summary>Blocks that cover an extent.</summary>
    internal static int Tiles(long extent, int tile) => checked((int)((extent + tile - 1) / tile));

    /// <summary>c (+)= the sum of the parts, in ascending order; every engine of our kernels uses it.</summary>
    internal static void SplitSum(ComputeDevice device, nint part, Tensor c, int splits, bool accumulate)
    {
        var p = new SplitSumParams { Part = part, C = c.Pointer, Count = c.Count, Splits = splits, Accumulate = accumulate ? 1 : 0 };
        device.Launch("split_sum_f32", new Grid(Tiles(c.Count, KernelConstants.SPLIT_SUM_BLOCK)), in p);
    }

    private void Product(nint a, nint b, nint bias, nint c, int m, int n, int k, bool accumulate)
    {
        var p = new GemmParams { A = a, B = b, Bias = bias, C = c, M = m, N = n, K = k, Accumulate = accumulate ? 1 : 0 };
        device.Launch("gemm_nn_f32", new Grid(Tiles(m, _tileM), Tiles(n, KernelConstants.TILE_N)), in p);
    }

    private void Transpose(nint x, nint y, int rows, int cols)
    {
        var p = new TransposeParams { X = x, Y = y, Rows = rows, Cols = cols };
        device.Launch("transpose_f32", new Grid(Tiles(rows, KernelConstants.TRANSPOSE_TILE), Tiles(cols, KernelConstants.TRANSPOSE_TILE)), in p);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SplitSumParams
    {
        public nint Part, C;
        public long Count;
        public int Splits, Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TransposeParams
    {
        public nint X, Y;
        public int Rows, Cols;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct BiasGradParams
    {
        public nint Dy, Part;
        public long Rows;
        public int O, Chunk;
    }
}
