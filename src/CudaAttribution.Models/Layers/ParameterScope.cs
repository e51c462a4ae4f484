using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Layers;

/// <summary>
/// Where a layer registers its parameters: a set, the layer's place in the model as a dotted prefix (names are those of diffusers and transformers)
/// and how a new model starts.
/// </summary>
public sealed class ParameterScope
{
    private readonly ParameterSet _parameters;
    private readonly WeightInit _init;
    private readonly (ParameterSet Parameters, LoraOptions Options)? _adapters;
    private readonly string _prefix;

    /// <param name="parameters">Where the layers' parameters go.</param>
    /// <param name="init">How they start.</param>
    public ParameterScope(ParameterSet parameters, WeightInit init)
        : this(parameters, init, null, "")
    {
    }

    /// <summary>A scope whose layers get low-rank adapters where they can have them.</summary>
    /// <param name="parameters">Where the layers' own parameters go.</param>
    /// <param name="init">How all of them start.</param>
    /// <param name="adapters">Where the adapters' parameters go, under the same names.</param>
    /// <param name="options">Their size.</param>
    internal ParameterScope(ParameterSet parameters, WeightInit init, ParameterSet adapters, LoraOptions options)
        : this(parameters, init, (adapters, options), "")
    {
    }

    private ParameterScope(ParameterSet parameters, WeightInit init, (ParameterSet Parameters, LoraOptions Options)? adapters, string prefix) =>
        (_parameters, _init, _adapters, _prefix) = (parameters, init, adapters, prefix);

    /// <summary>The layer's place in the model: the prefix without its last dot.</summary>
    public string Name => _prefix.TrimEnd('.');

    /// <summary>The scope of a child layer.</summary>
    public ParameterScope this[string child] => new(_parameters, _init, _adapters, $"{_prefix}{child}.");

    /// <summary>The scope of a numbered child, <c>child.index</c>.</summary>
    public ParameterScope this[string child, int index] => this[$"{child}.{index}"];

    /// <summary>Registers a parameter that starts with one value everywhere.</summary>
    public Tensor Constant(string name, Shape shape, float value) => Add(name, shape, new WeightStart(value, 0));

    /// <summary>Registers a parameter that starts uniform in [−bound, bound].</summary>
    public Tensor Uniform(string name, Shape shape, double bound) => Add(name, shape, new WeightStart(0, (float)bound));

    /// <summary>Registers a parameter that starts normal about zero.</summary>
    public Tensor Normal(string name, Shape shape, double deviation) => Add(name, shape, new WeightStart(0, (float)deviation, IsNormal: true));

    /// <summary>Registers a buffer: saved and loaded with the parameters, and never trained.</summary>
    /// <inheritdoc cref="ParameterSet.AddBuffer"/>
    public Tensor Buffer(string name, Shape shape, DType type = DType.F32, float start = 0, bool optional = false) =>
        _parameters.AddBuffer(_prefix + name, shape, type, start, optional);

    /// <summary>The adapter of the linear layer at this place; null in a model without adapters.</summary>
    internal LowRankAdapter? Adapter(int inWidth, int outWidth) => _adapters is var (parameters, options)
        ? new LowRankAdapter(new ParameterScope(parameters, _init, null, _prefix), inWidth, outWidth, options)
        : null;

    private Tensor Add(string name, Shape shape, WeightStart start)
    {
        _init.Declare(_prefix + name, start);
        return _parameters.Add(_prefix + name, shape);
    }
}
