using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.ResNet;

/// <summary>relu(shortcut(x) + branch(x)): the branch is convolutions, each with its batch norm, with ReLU between them.</summary>
internal sealed class ResidualBlock
{
    private readonly string _name;
    private readonly NormedConv[] _branch;
    private readonly NormedConv? _downsample;

    /// <param name="p">Where its parameters are registered.</param>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="planes">Channels inside.</param>
    /// <param name="outChannels">Channels of the output; not those inside for a bottleneck.</param>
    /// <param name="stride">Of the first convolution of 3x3.</param>
    public ResidualBlock(ParameterScope p, int inChannels, int planes, int outChannels, int stride)
    {
        _name = p.Name;
        _branch = outChannels == planes
            ? [new(p, 1, inChannels, planes, 3, stride), new(p, 2, planes, planes, 3, 1)]
            : [new(p, 1, inChannels, planes, 1, 1), new(p, 2, planes, planes, 3, stride), new(p, 3, planes, outChannels, 1, 1)];
        if (stride != 1 || inChannels != outChannels)
        {
            var d = p["downsample"];
            _downsample = new NormedConv(ConvLayer.BeforeNorm(d["0"], inChannels, outChannels, 1, stride), new BatchNormLayer(d["1"], outChannels));
        }
    }

    /// <summary>x <c>[N,H,W,I]</c> to <c>[N,H',W',O]</c>.</summary>
    public Tensor Forward(Tape tape, Tensor x, NetworkMode mode)
    {
        using var frame = tape.Frame();
        var h = _branch[0].Forward(tape, x, mode);
        foreach (var next in _branch.AsSpan(1)) h = tape.Replace(tape.Replace(h, Elementwise.Relu), (t, map) => next.Forward(t, map, mode));
        var shortcut = _downsample is { } downsample ? downsample.Forward(tape, x, mode) : x;
        return frame.Keep(tape.Trace(_name, tape.Relu(tape.Add(shortcut, h))));
    }
}

/// <summary>A convolution and its batch norm.</summary>
internal readonly record struct NormedConv(ConvLayer Conv, BatchNormLayer Norm)
{
    /// <summary>With the names <c>conv{number}</c> and <c>bn{number}</c>.</summary>
    public NormedConv(ParameterScope p, int number, int inChannels, int outChannels, int kernel, int stride)
        : this(ConvLayer.BeforeNorm(p[$"conv{number}"], inChannels, outChannels, kernel, stride), new BatchNormLayer(p[$"bn{number}"], outChannels))
    {
    }

    public Tensor Forward(Tape tape, Tensor x, NetworkMode mode)
    {
        var norm = Norm;
        return tape.Replace(Conv.Forward(tape, x), (t, map) => norm.Forward(t, map, mode));
    }
}
