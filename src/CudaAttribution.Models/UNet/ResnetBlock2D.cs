using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.UNet;

/// <summary>
/// Residual block: norm, SiLU, 3x3 convolution, plus the projected timestep (in the UNet), norm, SiLU, 3x3 convolution, plus the input (through a
/// 1x1 convolution where the channels differ). Methods 3.1, 3.2.
/// </summary>
internal sealed class ResnetBlock2D
{
    private readonly string _name;
    private readonly GroupNormLayer _norm1, _norm2;
    private readonly ConvLayer _conv1, _conv2;
    private readonly LinearLayer? _timeEmbProj;
    private readonly ConvLayer? _convShortcut;

    /// <param name="p">Where its parameters are registered.</param>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="timeWidth">Width of the time embedding; null for a block without one.</param>
    /// <param name="groups">Groups of the norms.</param>
    /// <param name="eps">Of the norms.</param>
    public ResnetBlock2D(ParameterScope p, int inChannels, int outChannels, int? timeWidth, int groups, float eps)
    {
        _name = p.Name;
        _norm1 = new GroupNormLayer(p["norm1"], inChannels, groups, eps, silu: true);
        _conv1 = ConvLayer.Same(p["conv1"], inChannels, outChannels);
        if (timeWidth is { } width) _timeEmbProj = new LinearLayer(p["time_emb_proj"], width, outChannels);
        _norm2 = new GroupNormLayer(p["norm2"], outChannels, groups, eps, silu: true);
        _conv2 = ConvLayer.Same(p["conv2"], outChannels, outChannels);
        if (inChannels != outChannels) _convShortcut = ConvLayer.Pointwise(p["conv_shortcut"], inChannels, outChannels);
    }

    /// <param name="tape">The tape.</param>
    /// <param name="x">Input <c>[N,H,W,inChannels]</c>.</param>
    /// <param name="time">SiLU of the time embedding <c>[N,timeWidth]</c>; null for a block without one.</param>
    /// <returns><c>[N,H,W,outChannels]</c>.</returns>
    public Tensor Forward(Tape tape, Tensor x, Tensor? time)
    {
        using var frame = tape.Frame();
        var h = tape.Replace(_norm1.Forward(tape, x), _conv1.Forward);
        if (_timeEmbProj is not null) h = tape.Replace(h, (t, map) => t.AddPerSample(map, _timeEmbProj.Forward(t, time!)));
        h = tape.Replace(tape.Replace(h, _norm2.Forward), _conv2.Forward);
        return frame.Keep(tape.Trace(_name, tape.Add(_convShortcut is null ? x : _convShortcut.Forward(tape, x), h)));
    }
}
