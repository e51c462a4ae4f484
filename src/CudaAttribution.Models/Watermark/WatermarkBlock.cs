using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Watermark;

/// <summary>A 3x3 convolution, group norm and SiLU.</summary>
internal sealed class WatermarkBlock(ParameterScope p, int inChannels, int outChannels, int groups, int stride = 1)
{
    private const float Eps = 1e-5f;

    private readonly ConvLayer _conv = new(p["conv"], inChannels, outChannels, 3, stride, 1, 1);
    private readonly GroupNormLayer _norm = new(p["norm"], outChannels, groups, Eps, silu: true);

    /// <summary>x <c>[N,H,W,I]</c> to <c>[N,⌈H/stride⌉,⌈W/stride⌉,O]</c>.</summary>
    public Tensor Forward(Tape tape, Tensor x) => tape.Recompute(() => tape.Replace(_conv.Forward(tape, x), _norm.Forward));
}
