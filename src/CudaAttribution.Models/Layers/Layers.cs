using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Layers;

/// <summary>How layers follow each other.</summary>
public static class LayerSequence
{
    /// <summary>
    /// The layer's output, with its input given back where the tape does not record: at 512 x 512 pixels a map of 256 channels is 268 MB. The input
    /// must be of the innermost open frame and of no use any more.
    /// </summary>
    public static Tensor Replace(this Tape tape, Tensor x, Func<Tape, Tensor, Tensor> layer)
    {
        var y = layer(tape, x);
        tape.Discard(x);
        return y;
    }
}

/// <summary>Convolution of odd or even kernel with weight <c>[O,K,K,I]</c>.</summary>
public sealed class ConvLayer
{
    private readonly string _name;
    private readonly Tensor _weight;
    private readonly Tensor? _bias;
    private readonly int _stride, _padBegin, _padEnd;

    /// <summary>With bias, started as PyTorch's: uniform in ±1/√fan-in.</summary>
    public ConvLayer(ParameterScope p, int inChannels, int outChannels, int kernel, int stride, int padBegin, int padEnd)
    {
        double bound = 1 / Math.Sqrt((double)inChannels * kernel * kernel);
        _weight = p.Uniform("weight", new Shape(outChannels, kernel, kernel, inChannels), bound);
        _bias = p.Uniform("bias", new Shape(outChannels), bound);
        (_name, _stride, _padBegin, _padEnd) = (p.Name, stride, padBegin, padEnd);
    }

    private ConvLayer(string name, Tensor weight, int stride, int padding) =>
        (_name, _weight, _stride, _padBegin, _padEnd) = (name, weight, stride, padding, padding);

    /// <summary>
    /// Without bias, for a norm to follow: an odd kernel, padded by half of it, started normal with variance 2 / fan-out (He et al. 2015).
    /// </summary>
    public static ConvLayer BeforeNorm(ParameterScope p, int inChannels, int outChannels, int kernel, int stride)
    {
        var weight = p.Normal("weight", new Shape(outChannels, kernel, kernel, inChannels), Math.Sqrt(2.0 / ((double)outChannels * kernel * kernel)));
        return new ConvLayer(p.Name, weight, stride, kernel / 2);
    }

    /// <summary>A 3x3 convolution that keeps the size.</summary>
    public static ConvLayer Same(ParameterScope p, int inChannels, int outChannels) => new(p, inChannels, outChannels, 3, 1, 1, 1);

    /// <summary>A 1x1 convolution.</summary>
    public static ConvLayer Pointwise(ParameterScope p, int inChannels, int outChannels) => new(p, inChannels, outChannels, 1, 1, 0, 0);

    /// <summary>x <c>[N,H,W,I]</c> to <c>[N,H',W',O]</c>.</summary>
    public Tensor Forward(Tape tape, Tensor x) => tape.Trace(_name, tape.Conv2d(x, _weight, _bias, _stride, _padBegin, _padEnd));
}

/// <summary>Matrix product with weight <c>[O,I]</c> and optional bias, started as PyTorch's: uniform in ±1/√fan-in.</summary>
public sealed class LinearLayer
{
    private readonly string _name;
    private readonly Tensor _weight;
    private readonly Tensor? _bias;
    private readonly LowRankAdapter? _adapter;

    /// <param name="p">Where its parameters are registered.</param>
    /// <param name="inWidth">I.</param>
    /// <param name="outWidth">O.</param>
    /// <param name="bias">Whether it has a bias.</param>
    /// <param name="adaptable">Whether it has an adapter in a model with adapters.</param>
    public LinearLayer(ParameterScope p, int inWidth, int outWidth, bool bias = true, bool adaptable = false)
    {
        _name = p.Name;
        double bound = 1 / Math.Sqrt(inWidth);
        _weight = p.Uniform("weight", new Shape(outWidth, inWidth), bound);
        _bias = bias ? p.Uniform("bias", new Shape(outWidth), bound) : null;
        if (adaptable) _adapter = p.Adapter(inWidth, outWidth);
    }

    /// <summary>x <c>[...,I]</c> to <c>[...,O]</c>.</summary>
    public Tensor Forward(Tape tape, Tensor x)
    {
        var y = tape.Linear(x, _weight, _bias);
        return tape.Trace(_name, _adapter is null ? y : _adapter.AddTo(tape, x, y));
    }
}

/// <summary>Group normalisation over the channel axis, optionally followed by SiLU in the same kernel.</summary>
public sealed class GroupNormLayer
{
    private readonly string _name;
    private readonly Tensor _weight, _bias;
    private readonly int _groups;
    private readonly float _eps;
    private readonly bool _silu;

    public GroupNormLayer(ParameterScope p, int channels, int groups, float eps, bool silu)
    {
        _weight = p.Constant("weight", new Shape(channels), 1);
        _bias = p.Constant("bias", new Shape(channels), 0);
        // What a trace shows is the norm with its activation; the name says so.
        (_name, _groups, _eps, _silu) = (silu ? $"{p.Name}.silu" : p.Name, groups, eps, silu);
    }

    /// <summary>x <c>[N,...,C]</c> to the same shape.</summary>
    public Tensor Forward(Tape tape, Tensor x) => tape.Trace(_name, tape.GroupNorm(x, _weight, _bias, _groups, _eps, _silu));
}

/// <summary>Normalisation of each row over the last axis.</summary>
public sealed class LayerNormLayer
{
    private readonly string _name;
    private readonly Tensor _weight, _bias;
    private readonly float _eps;

    public LayerNormLayer(ParameterScope p, int width, float eps)
    {
        _weight = p.Constant("weight", new Shape(width), 1);
        _bias = p.Constant("bias", new Shape(width), 0);
        (_name, _eps) = (p.Name, eps);
    }

    /// <summary>x <c>[...,C]</c> to the same shape.</summary>
    public Tensor Forward(Tape tape, Tensor x) => tape.Trace(_name, tape.LayerNorm(x, _weight, _bias, _eps));
}
