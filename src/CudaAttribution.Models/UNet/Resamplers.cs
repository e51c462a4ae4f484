using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.UNet;

/// <summary>
/// Halves height and width by a 3x3 convolution of stride 2, padded by 1 all round, or by 1 at right and bottom for <c>downsample_padding</c> 0.
/// </summary>
internal sealed class Downsample2D(ParameterScope p, int channels, int padding)
{
    private readonly ConvLayer _conv = new(p["conv"], channels, channels, kernel: 3, stride: 2, padBegin: padding, padEnd: 1);

    public Tensor Forward(Tape tape, Tensor x) => _conv.Forward(tape, x);
}

/// <summary>Doubles height and width by repeating each pixel, then a 3x3 convolution.</summary>
internal sealed class Upsample2D(ParameterScope p, int channels)
{
    private readonly ConvLayer _conv = ConvLayer.Same(p["conv"], channels, channels);

    public Tensor Forward(Tape tape, Tensor x) => tape.Recompute(() =>
    {
        using var frame = tape.Frame();
        return frame.Keep(_conv.Forward(tape, tape.UpsampleNearest2x(x)));
    });
}
