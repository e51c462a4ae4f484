using CudaAttribution.Tensors;

namespace CudaAttribution.Models;

/// <summary>
/// Where a layer registers its parameters: a set, the layer's place in the model as a dotted prefix (names are those of diffusers and transformers)
/// and how a new model starts.
/// </summary>
public sealed class ParameterScope
{
    private readonly ParameterSet _parameters;
    private readonly WeightInit _init;
    private readonly string _prefix;

    public ParameterScope(ParameterSet parameters, WeightInit init)
        : this(parameters, init, "")
    {
    }

    private ParameterScope(ParameterSet parameters, WeightInit init, string prefix) => (_parameters, _init, _prefix) = (parameters, init, prefix);

    /// <summary>The layer's place in the model: the prefix without its last dot.</summary>
    public string Name => _prefix.TrimEnd('.');

    /// <summary>The scope of a child layer.</summary>
    public ParameterScope this[string child] => new(_parameters, _init, $"{_prefix}{child}.");

    /// <summary>The scope of a numbered child, <c>child.index</c>.</summary>
    public ParameterScope this[string child, int index] => this[$"{child}.{index}"];

    /// <summary>Registers a parameter that starts with one value everywhere.</summary>
    public Tensor Constant(string name, Shape shape, float value) => Add(name, shape, value, 0);

    /// <summary>Registers a parameter that starts uniform in [−bound, bound].</summary>
    public Tensor Uniform(string name, Shape shape, double bound) => Add(name, shape, 0, (float)bound);

    private Tensor Add(string name, Shape shape, float center, float bound)
    {
        _init.Declare(_prefix + name, center, bound);
        return _parameters.Add(_prefix + name, shape);
    }
}
