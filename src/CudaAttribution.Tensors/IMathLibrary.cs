namespace CudaAttribution.Tensors;

/// <summary>
/// Engine of matrix products and convolutions. All arrays are F32, row-major and dense; activations <c>[N,H,W,C]</c>, weights
/// <c>[O,KH,KW,I]</c> and <c>[O,I]</c>. Every method only issues work on the device's stream, unless <see cref="IsRecordable"/> is false.
/// </summary>
public interface IMathLibrary : IDisposable
{
    /// <summary>Name in manifests: <c>kernels</c>, <c>onednn 2.6.3 avx2, threads: 2</c>, <c>cublas 12.4.5, cudnn 9.1.0, ...</c>.</summary>
    string Name { get; }

    /// <summary>What the two operands of a product or convolution are rounded to as they are read; F32 where they are taken as they are.</summary>
    DType Operands { get; }

    /// <summary>Whether its work can be recorded in a graph: not where it is computed at once, beside the stream.</summary>
    bool IsRecordable => true;

    /// <summary>
    /// Passes that the engine's library has refused so far and that the project's kernels compute in its place, each once. Empty for an engine that
    /// computes everything itself.
    /// </summary>
    IReadOnlyCollection<ConvolutionStandIn> StandIns => [];

    /// <summary>y = conv(x, w) + b; <paramref name="b"/> may be null.</summary>
    void Conv2dForward(in Conv2dShape s, Tensor x, Tensor w, Tensor? b, Tensor y);

    /// <summary>dx (+)= convᵀ(dy, w).</summary>
    void Conv2dBackwardData(in Conv2dShape s, Tensor dy, Tensor w, Tensor dx, bool accumulate);

    /// <summary>dw (+)= correlation of x with dy.</summary>
    void Conv2dBackwardWeights(in Conv2dShape s, Tensor x, Tensor dy, Tensor dw, bool accumulate);

    /// <summary>y[M,O] = x[M,I] · w[O,I]ᵀ + b; <paramref name="b"/> may be null.</summary>
    void LinearForward(int m, int o, int i, Tensor x, Tensor w, Tensor? b, Tensor y);

    /// <summary>dx[M,I] (+)= dy[M,O] · w[O,I].</summary>
    void LinearBackwardData(int m, int o, int i, Tensor dy, Tensor w, Tensor dx, bool accumulate);

    /// <summary>dw[O,I] (+)= dy[M,O]ᵀ · x[M,I].</summary>
    void LinearBackwardWeights(int m, int o, int i, Tensor x, Tensor dy, Tensor dw, bool accumulate);
}

/// <summary>
/// A two-dimensional convolution: batch, input extents and channels, output channels, square kernel, stride, zero padding (top/left, bottom/right).
/// </summary>
public readonly record struct Conv2dShape(int N, int H, int W, int C, int O, int Kernel, int Stride, int PadBegin, int PadEnd)
{
    public int OutH => (H + PadBegin + PadEnd - Kernel) / Stride + 1;

    public int OutW => (W + PadBegin + PadEnd - Kernel) / Stride + 1;

    /// <summary>Output pixels of all samples.</summary>
    public long Pixels => (long)N * OutH * OutW;

    public long Flops => 2L * N * OutH * OutW * O * Kernel * Kernel * C;
}
