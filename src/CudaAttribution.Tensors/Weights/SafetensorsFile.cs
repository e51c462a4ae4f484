namespace CudaAttribution.Tensors.Weights;

/// <summary>
/// A safetensors file open for reading. The whole header is checked at opening (<see cref="SafetensorsHeader"/>); data are read when asked for. The
/// file must not be changed while it is open. Several threads may read at once.
/// </summary>
public sealed class SafetensorsFile : IWeightSource
{
    private readonly WeightStream _file;

    private SafetensorsFile(string path)
    {
        Path = path;
        _file = new WeightStream(path);
        try
        {
            var header = SafetensorsHeader.Read(path, _file);
            (Metadata, Tensors) = (header.Metadata, header.Tensors);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
        Weights = new SortedDictionary<string, WeightInfo>(
            Tensors.ToDictionary(t => t.Key, t => new WeightInfo(t.Value.Type, t.Value.Shape)), StringComparer.Ordinal);
    }

    public string Path { get; }

    /// <summary>The string pairs of <c>__metadata__</c>; empty where the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Every tensor by name with its place in the file, in ordinal order.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors { get; }

    public IReadOnlyDictionary<string, WeightInfo> Weights { get; }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="SafetensorsException">It breaks a rule of the format; the message says which.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static SafetensorsFile Open(string path) => new(path);

    /// <summary>A copy of a tensor in its own type.</summary>
    /// <exception cref="SafetensorsException">There is no such tensor, or it is too large for one array.</exception>
    public HostTensor Read(string name)
    {
        var entry = Find(name);
        if (entry.Bytes > Array.MaxLength)
        {
            throw new SafetensorsException(Path, name, $"it has {entry.Bytes:N0} bytes, at most {Array.MaxLength:N0} can be read at once");
        }
        return HostTensor.FromBytes(_file.Read(entry.Offset, (int)entry.Bytes), entry.Type, entry.Shape);
    }

    public void Read(string name, long start, Span<byte> destination)
    {
        var entry = Find(name);
        WeightSources.RequireRange(new WeightInfo(entry.Type, entry.Shape), name, start, destination.Length);
        _file.Read(entry.Offset + start * entry.Type.Size(), destination);
    }

    public void Dispose() => _file.Dispose();

    private SafetensorsEntry Find(string name)
    {
        if (Tensors.TryGetValue(name, out var entry)) return entry;
        string sample = PrintableText.List(Tensors.Keys, 3);
        throw new SafetensorsException(Path, name, $"the file has no such tensor among its {Tensors.Count} ({sample})");
    }
}
