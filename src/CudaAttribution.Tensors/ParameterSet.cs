using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors;

/// <summary>
/// The parameters of a model: named F32 tensors in one flat buffer, with one flat gradient buffer of the same layout, so that an optimiser step, a
/// norm or a copy is one launch over everything.
/// </summary>
/// <remarks>
/// Layers register parameters with <see cref="Add"/> while the model is built; <see cref="Freeze"/> then allocates. A parameter begins at a multiple
/// of 64 bytes; the elements between two parameters are zero and stay so under <see cref="AdamW"/>.
/// </remarks>
public sealed class ParameterSet(ComputeDevice device) : IDisposable
{
    private const int AlignmentElements = 16;

    private readonly Storage _values = new();
    private readonly Storage _gradients = new();
    private readonly List<(string Name, Tensor Tensor, long Offset)> _parameters = [];
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);
    private long _length;
    private bool _frozen, _disposed;
    private Tensor? _flatValues, _flatGradients;

    public ComputeDevice Device { get; } = device;

    /// <summary>Number of parameters in the sense of a model's size: elements of all tensors, padding not counted.</summary>
    public long Count { get; private set; }

    /// <summary>The names in order of registration, which is the order in memory.</summary>
    public IReadOnlyList<string> Names => [.. _parameters.Select(p => p.Name)];

    /// <summary>All values as one tensor, padding included.</summary>
    /// <exception cref="InvalidOperationException">The set is not frozen yet.</exception>
    public Tensor Values => _flatValues
        ?? throw new InvalidOperationException("the parameter set is not frozen yet: call Freeze after the model is built");

    /// <summary>All gradients as one tensor, padding included.</summary>
    /// <exception cref="InvalidOperationException">The set is not frozen yet, or it was frozen without gradients.</exception>
    public Tensor Gradients => _flatGradients
        ?? throw new InvalidOperationException("the parameter set has no gradients: freeze it with trainable: true");

    /// <summary>Whether the parameters have gradients.</summary>
    public bool Trainable => _flatGradients is not null;

    /// <summary>The parameter of a name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public Tensor this[string name] => _index.TryGetValue(name, out int i)
        ? _parameters[i].Tensor
        : throw new KeyNotFoundException($"there is no parameter '{name}' among the {_parameters.Count} of this model");

    public bool Contains(string name) => _index.ContainsKey(name);

    /// <summary>Registers a parameter. The tensor may be kept at once and used once the set is frozen.</summary>
    /// <exception cref="ArgumentException">The name is empty or taken.</exception>
    /// <exception cref="InvalidOperationException">The set is frozen.</exception>
    public Tensor Add(string name, Shape shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (_frozen) throw new InvalidOperationException($"parameter '{name}' comes too late: the parameter set is frozen");
        if (!_index.TryAdd(name, _parameters.Count)) throw new ArgumentException($"there is a parameter '{name}' already", nameof(name));
        var tensor = new Tensor(Device, _values, _length * sizeof(float), DType.F32, shape);
        _parameters.Add((name, tensor, _length));
        Count += shape.Count;
        _length += (shape.Count + AlignmentElements - 1) / AlignmentElements * AlignmentElements;
        return tensor;
    }

    /// <summary>Allocates values and, if <paramref name="trainable"/>, gradients; all are zero.</summary>
    /// <exception cref="InvalidOperationException">The set is frozen already.</exception>
    public void Freeze(bool trainable = true)
    {
        if (_frozen) throw new InvalidOperationException("the parameter set is frozen already");
        _frozen = true;
        _flatValues = Allocate(_values);
        if (!trainable) return;
        _flatGradients = Allocate(_gradients);
        foreach (var (_, tensor, offset) in _parameters)
        {
            tensor.RequiresGrad = true;
            tensor.Grad = new Tensor(Device, _gradients, offset * sizeof(float), DType.F32, tensor.Shape);
        }
    }

    /// <summary>Sets every gradient to zero, to be done before a step: ops add to them.</summary>
    public void ZeroGrad() => Gradients.Zero();

    /// <summary>
    /// Sets every parameter from <paramref name="source"/>, where its name has <paramref name="prefix"/> before it. Nothing is changed if anything
    /// does not fit.
    /// </summary>
    /// <param name="source">Floating-point tensors in the layout of memory; names without the prefix are left alone.</param>
    /// <param name="prefix">Put before each name.</param>
    /// <param name="flat">Another tensor laid out as <see cref="Values"/> to set instead.</param>
    /// <exception cref="ArgumentException">A parameter is missing, a shape differs, or a name under the prefix is not a parameter; the message lists
    /// them.</exception>
    /// <exception cref="WeightFileException">The source cannot be read.</exception>
    public void LoadFrom(IWeightSource source, string prefix = "", Tensor? flat = null)
    {
        flat = Flat(flat);
        if (Misfits(source, prefix) is { Length: > 0 } misfits)
        {
            throw new ArgumentException($"the tensors do not fit the model's {_parameters.Count} parameters:{misfits}", nameof(source));
        }
        foreach (var (name, tensor, offset) in _parameters) Slice(flat, tensor, offset).CopyFrom<float>(source.ReadF32(prefix + name));
    }

    /// <summary>Adds every parameter, under its name with <paramref name="prefix"/> before it. Nothing is copied.</summary>
    /// <param name="destination">Where the tensors are added.</param>
    /// <param name="prefix">Put before each name.</param>
    /// <param name="flat">Another tensor laid out as <see cref="Values"/> to add instead.</param>
    /// <exception cref="ArgumentException">A name is taken in <paramref name="destination"/>.</exception>
    public void SaveTo(TensorState destination, string prefix = "", Tensor? flat = null)
    {
        flat = Flat(flat);
        foreach (var (name, tensor, offset) in _parameters) destination.Add(prefix + name, Slice(flat, tensor, offset));
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_flatValues is not null) _values.Release();
        if (_flatGradients is not null) _gradients.Release();
    }

    private Tensor Allocate(Storage storage)
    {
        storage.Take(Device.Pool.Rent(_length * sizeof(float)));
        var flat = new Tensor(Device, storage, 0, DType.F32, new Shape(checked((int)_length)));
        flat.Zero();
        return flat;
    }

    private Tensor Flat(Tensor? flat)
    {
        flat ??= Values;
        return flat.Type == DType.F32 && flat.Shape == Values.Shape
            ? flat
            : throw new ArgumentException($"the flat tensor is {flat}, it must be laid out as {Values}", nameof(flat));
    }

    private Tensor Slice(Tensor flat, Tensor parameter, long offset) =>
        new(Device, flat.Storage, flat.Pointer - flat.Storage.Pointer + offset * sizeof(float), DType.F32, parameter.Shape);

    /// <summary>What keeps the tensors under a prefix from being these parameters, in words; empty where nothing does.</summary>
    private string Misfits(IWeightSource source, string prefix)
    {
        List<string> missing = [], wrong = [];
        foreach (var (name, tensor, _) in _parameters)
        {
            string full = prefix + name;
            if (!source.Weights.TryGetValue(full, out var given)) missing.Add(full);
            else if (given.Shape != tensor.Shape) wrong.Add($"{full} (is {given.Shape}, must be {tensor.Shape})");
        }
        var unknown = source.Weights.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal) && !_index.ContainsKey(k[prefix.Length..]));
        return Listed("missing", missing) + Listed("unknown", [.. unknown.Order(StringComparer.Ordinal)]) + Listed("of another shape", wrong);
    }

    private static string Listed(string what, List<string> names)
    {
        const int Shown = 5;
        if (names.Count == 0) return "";
        string rest = names.Count > Shown ? $" and {names.Count - Shown} more" : "";
        return $" {what}: {string.Join(", ", names.Take(Shown))}{rest};";
    }
}
