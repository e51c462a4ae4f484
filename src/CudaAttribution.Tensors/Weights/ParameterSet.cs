using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Weights;

/// <summary>
/// The parameters of a model: named F32 tensors in one flat buffer, with one flat gradient buffer of the same layout, so that an optimiser step, a
/// norm or a copy is one launch over everything. Beside them its buffers: named tensors that are saved and loaded with the parameters and that no
/// optimiser touches, such as the running statistics of batch norm.
/// </summary>
/// <remarks>
/// Layers register parameters with <see cref="Add"/> and buffers with <see cref="AddBuffer"/> while the model is built; <see cref="Freeze"/> then
/// allocates. A parameter or buffer begins at a multiple of 64 bytes; the elements between two parameters are zero and stay so under
/// <see cref="AdamW"/>.
/// </remarks>
public sealed class ParameterSet(ComputeDevice device) : IDisposable
{
    private const int AlignmentElements = 16, AlignmentBytes = AlignmentElements * sizeof(float);

    private readonly Storage _values = new();
    private readonly Storage _gradients = new();
    private readonly List<(string Name, Tensor Tensor, long Offset)> _parameters = [];
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);
    private readonly Storage _bufferMemory = new();
    private readonly List<ParameterBuffer> _buffers = [];
    private readonly Dictionary<string, Tensor> _buffersByName = new(StringComparer.Ordinal);
    private long _length, _bufferBytes;
    private bool _frozen, _disposed;
    private Tensor? _flatValues, _flatGradients;

    public ComputeDevice Device { get; } = device;

    /// <summary>Number of parameters in the sense of a model's size: elements of all tensors, padding not counted.</summary>
    public long Count { get; private set; }

    /// <summary>The names in order of registration, which is the order in memory.</summary>
    public IReadOnlyList<string> Names => [.. _parameters.Select(p => p.Name)];

    /// <summary>Every parameter with its first element in <see cref="Values"/>, in the order of memory.</summary>
    internal IReadOnlyList<(string Name, Tensor Tensor, long Offset)> Layout => _parameters;

    /// <summary>The buffers in order of registration.</summary>
    public IReadOnlyList<ParameterBuffer> Buffers => _buffers;

    /// <summary>All values as one tensor, padding included; buffers are not in it.</summary>
    /// <exception cref="InvalidOperationException">The set is not frozen yet.</exception>
    public Tensor Values => _flatValues
        ?? throw new InvalidOperationException("the parameter set is not frozen yet: call Freeze after the model is built");

    /// <summary>All gradients as one tensor, padding included.</summary>
    /// <exception cref="InvalidOperationException">The set is not frozen yet, or it was frozen without gradients.</exception>
    public Tensor Gradients => _flatGradients
        ?? throw new InvalidOperationException("the parameter set has no gradients: freeze it with trainable: true");

    /// <summary>Device memory of values and buffers.</summary>
    public long Bytes => Values.Bytes + _bufferBytes;

    /// <summary>Whether the parameters have gradients.</summary>
    public bool Trainable => _flatGradients is not null;

    /// <summary>The parameter or buffer of a name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public Tensor this[string name] => _index.TryGetValue(name, out int i)
        ? _parameters[i].Tensor
        : _buffersByName.TryGetValue(name, out var buffer)
            ? buffer
            : throw new KeyNotFoundException($"there is no parameter or buffer '{name}' among the {_parameters.Count + _buffers.Count} of this model");

    /// <summary>Whether there is a parameter or buffer of a name.</summary>
    public bool Contains(string name) => _index.ContainsKey(name) || _buffersByName.ContainsKey(name);

    /// <summary>Registers a parameter. The tensor may be kept at once and used once the set is frozen.</summary>
    /// <exception cref="ArgumentException">The name is empty or taken.</exception>
    /// <exception cref="InvalidOperationException">The set is frozen.</exception>
    public Tensor Add(string name, Shape shape)
    {
        RequireNew(name, "parameter");
        _index.Add(name, _parameters.Count);
        var tensor = new Tensor(Device, _values, _length * sizeof(float), DType.F32, shape);
        _parameters.Add((name, tensor, _length));
        Count += shape.Count;
        _length += (shape.Count + AlignmentElements - 1) / AlignmentElements * AlignmentElements;
        return tensor;
    }

    /// <summary>Registers a buffer. The tensor may be kept at once and used once the set is frozen.</summary>
    /// <param name="name">Unique among parameters and buffers.</param>
    /// <param name="shape">Its shape; <c>[]</c> for a single number.</param>
    /// <param name="type">F32, or I64 for a counter, which begins at zero.</param>
    /// <param name="start">What every element of an F32 buffer begins with.</param>
    /// <param name="optional">Whether files may lack it; loading such a file sets it to what it begins with.</param>
    /// <exception cref="ArgumentException">The name is empty or taken, or the type is another.</exception>
    /// <exception cref="InvalidOperationException">The set is frozen.</exception>
    public Tensor AddBuffer(string name, Shape shape, DType type = DType.F32, float start = 0, bool optional = false)
    {
        RequireNew(name, "buffer");
        if (type is not (DType.F32 or DType.I64)) throw new ArgumentException($"buffer '{name}' is {type}, it must be F32 or I64", nameof(type));
        if (type == DType.I64 && start != 0) throw new ArgumentException($"buffer '{name}' is I64, it begins at 0, not at {start}", nameof(start));
        var tensor = new Tensor(Device, _bufferMemory, _bufferBytes, type, shape);
        _buffers.Add(new ParameterBuffer(name, tensor, start, optional));
        _buffersByName.Add(name, tensor);
        _bufferBytes += (tensor.Bytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
        return tensor;
    }

    /// <summary>
    /// Allocates values and, if <paramref name="trainable"/>, gradients, all zero, and buffers as they begin.
    /// </summary>
    /// <exception cref="InvalidOperationException">The set is frozen already.</exception>
    public void Freeze(bool trainable = true)
    {
        if (_frozen) throw new InvalidOperationException("the parameter set is frozen already");
        _frozen = true;
        _flatValues = Allocate(_values);
        if (_buffers.Count > 0)
        {
            _bufferMemory.Take(Device.Pool.Rent(_bufferBytes));
            foreach (var buffer in _buffers) buffer.Reset();
        }
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
    /// Sets every parameter and every buffer from <paramref name="source"/>, where its name has <paramref name="prefix"/> before it. Nothing is changed
    /// if anything does not fit.
    /// </summary>
    /// <param name="source">
    /// Tensors in the layout of memory, floating-point but for I64 buffers; names without the prefix are left alone.
    /// </param>
    /// <param name="prefix">Put before each name.</param>
    /// <param name="flat">
    /// Another tensor laid out as <see cref="Values"/> to set instead, such as an optimiser's moment: the source then has parameters only.
    /// </param>
    /// <exception cref="ArgumentException">A tensor is missing, a shape or type differs, or a name under the prefix is not of this set; the message
    /// lists them.</exception>
    /// <exception cref="WeightFileException">The source cannot be read.</exception>
    public void LoadFrom(IWeightSource source, string prefix = "", Tensor? flat = null)
    {
        IReadOnlyList<ParameterBuffer> buffers = flat is null ? _buffers : [];
        flat = Flat(flat);
        if (Misfits(source, prefix, buffers) is { Length: > 0 } misfits)
        {
            throw new ArgumentException($"the tensors do not fit the model's {_parameters.Count + buffers.Count} parameters:{misfits}", nameof(source));
        }
        foreach (var (name, tensor, offset) in _parameters) Slice(flat, tensor, offset).CopyFrom<float>(source.ReadF32(prefix + name));
        foreach (var buffer in buffers)
        {
            string name = prefix + buffer.Name;
            if (!source.Weights.ContainsKey(name)) buffer.Reset();
            else if (buffer.Tensor.Type == DType.I64) buffer.Tensor.CopyFrom<long>(source.ReadTensor(name).Values<long>());
            else buffer.Tensor.CopyFrom<float>(source.ReadF32(name));
        }
    }

    /// <summary>Adds every parameter and every buffer, under its name with <paramref name="prefix"/> before it. Nothing is copied.</summary>
    /// <param name="destination">Where the tensors are added.</param>
    /// <param name="prefix">Put before each name.</param>
    /// <param name="flat">
    /// Another tensor laid out as <see cref="Values"/> to add instead of parameters and buffers; see <see cref="SaveBuffersTo"/>.
    /// </param>
    /// <exception cref="ArgumentException">A name is taken in <paramref name="destination"/>.</exception>
    public void SaveTo(TensorState destination, string prefix = "", Tensor? flat = null)
    {
        if (flat is null) SaveBuffersTo(destination, prefix);
        flat = Flat(flat);
        foreach (var (name, tensor, offset) in _parameters) destination.Add(prefix + name, Slice(flat, tensor, offset));
    }

    /// <summary>Adds the buffers only: beside averaged parameters, which have none of their own.</summary>
    /// <exception cref="ArgumentException">A name is taken in <paramref name="destination"/>.</exception>
    public void SaveBuffersTo(TensorState destination, string prefix = "")
    {
        foreach (var buffer in _buffers) destination.Add(prefix + buffer.Name, buffer.Tensor);
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_flatValues is not null) _values.Release();
        if (_flatGradients is not null) _gradients.Release();
        if (_frozen && _buffers.Count > 0) _bufferMemory.Release();
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

    /// <summary>What keeps the tensors under a prefix from being these parameters and buffers, in words; empty where nothing does.</summary>
    private string Misfits(IWeightSource source, string prefix, IReadOnlyList<ParameterBuffer> buffers)
    {
        List<string> missing = [], wrong = [], mistyped = [];
        foreach (var (name, tensor, _) in _parameters) Compare(prefix + name, tensor, optional: false);
        foreach (var buffer in buffers) Compare(prefix + buffer.Name, buffer.Tensor, buffer.Optional);
        var known = buffers.Select(b => prefix + b.Name).ToHashSet(StringComparer.Ordinal);
        var unknown = source.Weights.Keys.Where(k =>
            k.StartsWith(prefix, StringComparison.Ordinal) && !_index.ContainsKey(k[prefix.Length..]) && !known.Contains(k));
        return Listed("missing", missing) + Listed("unknown", [.. unknown.Order(StringComparer.Ordinal)]) + Listed("of another shape", wrong)
            + Listed("of another type", mistyped);

        void Compare(string name, Tensor tensor, bool optional)
        {
            if (!source.Weights.TryGetValue(name, out var given))
            {
                if (!optional) missing.Add(name);
                return;
            }
            if (given.Shape != tensor.Shape) wrong.Add($"{name} (is {given.Shape}, must be {tensor.Shape})");
            if (tensor.Type == DType.F32 ? !given.Type.IsFloat() : given.Type != tensor.Type)
            {
                mistyped.Add($"{name} (is {given.Type}, must be {(tensor.Type == DType.F32 ? "floating-point" : tensor.Type.ToString())})");
            }
        }
    }

    private void RequireNew(string name, string what)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (_frozen) throw new InvalidOperationException($"{what} '{name}' comes too late: the parameter set is frozen");
        if (_index.ContainsKey(name)) throw new ArgumentException($"there is a parameter '{name}' already", nameof(name));
        if (_buffersByName.ContainsKey(name)) throw new ArgumentException($"there is a buffer '{name}' already", nameof(name));
    }

    private static string Listed(string what, List<string> names)
    {
        const int Shown = 5;
        if (names.Count == 0) return "";
        string rest = names.Count > Shown ? $" and {names.Count - Shown} more" : "";
        return $" {what}: {string.Join(", ", names.Take(Shown))}{rest};";
    }
}

/// <summary>A tensor that belongs to a model and that no optimiser touches.</summary>
/// <param name="Name">Unique among the parameters and buffers of its set.</param>
/// <param name="Tensor">F32 or I64.</param>
/// <param name="Start">What every element begins with.</param>
/// <param name="Optional">Whether files may lack it.</param>
public sealed record ParameterBuffer(string Name, Tensor Tensor, float Start, bool Optional)
{
    /// <summary>Sets it to what it begins with, ordered in the stream.</summary>
    public void Reset()
    {
        if (Tensor.Type == DType.F32) InPlace.Constant(Tensor, Start);
        else Tensor.Zero();
    }
}
