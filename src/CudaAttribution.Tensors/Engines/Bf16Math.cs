using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Engines;

/// <summary>
/// Matrix products and convolutions on tensor cores (<c>kernels/gemm_bf16.cu</c>, <c>kernels/conv2d_bf16.cu</c>), forward and both gradients:
/// operands are rounded to BF16, to nearest even, while they are loaded; sums are F32. Every array stays F32, so weights, gradients and optimiser
/// state keep the precision that small updates need, and no loss scaling is wanted. Everything else, attention included, computes in F32.
/// </summary>
/// <remarks>
/// Repeats its bits on one GPU, for any batch; GPUs of different generations may differ in the last bits, because how tensor cores add is theirs.
/// On <c>simt</c> they are emulated: for audits. No GPU has run it yet.
/// </remarks>
public sealed class Bf16Math(ComputeDevice device) : IMathLibrary
{
    public string Name => "bf16, f32 sums and masters";

    public DType Operands => DType.BF16;

    public void Conv2dForward(in Conv2dShape s, Tensor x, Tensor w, Tensor? b, Tensor y)
    {
        var p = Conv2dParams.Of(s, x.Pointer, w.Pointer, b?.Pointer ?? 0, y.Pointer);
        device.Launch("conv2d_fwd_f32_bf16", Cover(s.Pixels, s.O), in p);
    }

    public void Conv2dBackwardData(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx, bool accumulate)
    {
        var p = Conv2dParams.Of(s, dy.Pointer, w.Pointer, 0, dx.Pointer);
        p.Accumulate = accumulate ? 1 : 0;
        device.Launch("conv2d_bwd_x_f32_bf16", Cover((long)s.N * s.H * s.W, s.C), in p);
    }

    public void Conv2dBackwardWeights(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw, bool accumulate)
    {
        int splits = KernelMath.Tiles(s.Pixels, KernelMath.SplitRows);
        var part = device.Pool.RentWorkspace(splits * dw.Bytes);
        var p = Conv2dParams.Of(s, x.Pointer, dy.Pointer, 0, part.Pointer);
        p.Chunk = KernelMath.SplitRows;
        device.Launch("conv2d_bwd_w_f32_bf16", Cover(s.O, s.Kernel * s.Kernel * s.C, splits), in p);
        KernelMath.SplitSum(device, part.Pointer, dw, splits, accumulate);
        part.Release();
    }

    public void LinearForward(int m, int o, int i, Tensor x, Tensor w, Tensor? b, Tensor y)
    {
        var p = new GemmParams { A = x.Pointer, B = w.Pointer, Bias = b?.Pointer ?? 0, C = y.Pointer, M = m, N = o, K = i };
        device.Launch("gemm_nt_f32_bf16", Cover(m, o), in p);
    }

    public void LinearBackwardData(int m, int o, int i, Tensor dy, Tensor w, Tensor dx, bool accumulate)
    {
        var p = new GemmParams { A = dy.Pointer, B = w.Pointer, C = dx.Pointer, M = m, N = i, K = o, Accumulate = accumulate ? 1 : 0 };
        device.Launch("gemm_nn_f32_bf16", Cover(m, i), in p);
    }

    public void LinearBackwardWeights(int m, int o, int i, Tensor x, Tensor dy, Tensor dw, bool accumulate)
    {
        int splits = KernelMath.Tiles(m, KernelMath.SplitRows);
        var part = device.Pool.RentWorkspace(splits * dw.Bytes);
        var p = new GemmSplitParams { A = dy.Pointer, B = x.Pointer, Part = part.Pointer, M = o, N = i, K = m, Chunk = KernelMath.SplitRows };
        device.Launch("gemm_tn_f32_bf16", Cover(o, i, splits), in p);
        KernelMath.SplitSum(device, part.Pointer, dw, splits, accumulate);
        part.Release();
    }

    public void Dispose()
    {
    }

    private static Grid Cover(long m, long n, int splits = 1) => new(KernelMath.Tiles(m, KernelConstants.MMA_M), KernelMath.Tiles(n, KernelConstants.MMA_N), splits);
}
