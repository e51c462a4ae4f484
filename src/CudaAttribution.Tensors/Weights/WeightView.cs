namespace CudaAttribution.Tensors.Weights;

/// <summary>A run of elements of a tensor of a source.</summary>
/// <param name="Source">The source.</param>
/// <param name="Name">Name of the tensor there.</param>
/// <param name="Start">First element.</param>
/// <param name="Count">Number of elements.</param>
public sealed record WeightPart(IWeightSource Source, string Name, long Start, long Count)
{
    /// <summary>A whole tensor.</summary>
    public static WeightPart Whole(IWeightSource source, string name) => new(source, name, 0, source.Info(name).Shape.Count);

    public DType Type => Source.Info(Name).Type;
}

/// <summary>
/// Tensors of other sources under other names: each is one or several runs of elements, one after the other, under a new shape. It does not own the
/// sources: they must stay open as long as it is read, and closing it closes nothing.
/// </summary>
public sealed class WeightView : IWeightSource
{
    private readonly SortedDictionary<string, WeightInfo> _weights = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WeightPart[]> _parts = new(StringComparer.Ordinal);

    /// <param name="path">What to call it in messages.</param>
    /// <param name="metadata">String pairs; null for none.</param>
    public WeightView(string path, IReadOnlyDictionary<string, string>? metadata = null) =>
        (Path, Metadata) = (path, metadata ?? new Dictionary<string, string>());

    public string Path { get; }

    public IReadOnlyDictionary<string, WeightInfo> Weights => _weights;

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name here.</param>
    /// <param name="shape">Its shape here.</param>
    /// <param name="parts">What it is made of; all of one element type.</param>
    /// <exception cref="WeightFileException">The name is taken, the parts do not fill the shape, or are of different types.</exception>
    public void Add(string name, Shape shape, params WeightPart[] parts)
    {
        if (parts.Length == 0) throw new ArgumentException("a tensor is made of at least one part", nameof(parts));
        var type = parts[0].Type;
        if (parts.FirstOrDefault(p => p.Type != type) is { } other)
        {
            throw new WeightFileException(
                Path, name, $"it is put together from '{parts[0].Name}' of type {type} and '{other.Name}' of type {other.Type}: they must agree");
        }
        if (parts.Sum(p => p.Count) != shape.Count)
        {
            throw new WeightFileException(
                Path, name, $"its shape {shape} has {shape.Count:N0} elements, its parts have {parts.Sum(p => p.Count):N0}");
        }
        if (!_parts.TryAdd(name, parts))
        {
            throw new WeightFileException(Path, name, $"both '{_parts[name][0].Name}' and '{parts[0].Name}' stand for it: one of them must go");
        }
        _weights.Add(name, new WeightInfo(type, shape));
    }

    /// <summary>Adds a whole tensor of a source under a name, and under another shape if one is given.</summary>
    /// <exception cref="WeightFileException">As the other overload.</exception>
    public void Add(string name, IWeightSource source, string sourceName, Shape? shape = null) =>
        Add(name, shape ?? source.Info(sourceName).Shape, WeightPart.Whole(source, sourceName));

    public void Read(string name, long start, Span<byte> destination)
    {
        var info = this.Info(name);
        WeightSources.RequireRange(info, name, start, destination.Length);
        int size = info.Type.Size();
        foreach (var part in _parts[name])
        {
            if (start >= part.Count)
            {
                start -= part.Count;
                continue;
            }
            int bytes = (int)Math.Min(destination.Length, (part.Count - start) * size);
            part.Source.Read(part.Name, part.Start + start, destination[..bytes]);
            destination = destination[bytes..];
            start = 0;
            if (destination.IsEmpty) return;
        }
    }

    /// <summary>Closes nothing: the sources belong to the caller.</summary>
    public void Dispose()
    {
    }
}
