using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Engines;

/// <summary>Parameters of convolutions, as in <c>kernels/params.cuh</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Conv2dParams
{
    public nint X, W, B, Y;
    public int N, H, Width, C, OutH, OutW, O, Kernel, Stride, Pad, Chunk, Accumulate;

    public static Conv2dParams Of(in Conv2dShape s, nint x, nint w, nint b, nint y) => new()
    {
        X = x, W = w, B = b, Y = y, N = s.N, H = s.H, Width = s.W, C = s.C, OutH = s.OutH, OutW = s.OutW, O = s.O,
        Kernel = s.Kernel, Stride = s.Stride, Pad = s.PadBegin,
    };
}

/// <summary>Parameters of products, as in <c>kernels/params.cuh</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct GemmParams
{
    public nint A, B, Bias, C;
    public int M, N, K, Accumulate;
}

/// <summary>Parameters of products whose sum is split, as in <c>kernels/params.cuh</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct GemmSplitParams
{
    public nint A, B, Part;
    public int M, N, K, Chunk;
}
