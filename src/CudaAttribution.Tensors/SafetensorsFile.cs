using System.IO.MemoryMappedFiles;

namespace CudaAttribution.Tensors;

/// <summary>
/// A safetensors file open for reading through a memory map. The whole header is checked at opening (<see cref="SafetensorsHeader"/>); data are read
/// when asked for. The file must not be changed while it is open.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _start;
    private bool _disposed;

    private SafetensorsFile(string path)
    {
        Path = path;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        var header = SafetensorsHeader.Read(path, file);
        (Metadata, Tensors) = (header.Metadata, header.Tensors);
        _map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += _view.PointerOffset;
    }

    public string Path { get; }

    /// <summary>The string pairs of <c>__metadata__</c>; empty where the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Every tensor by name, in ordinal order.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Tensors { get; }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="SafetensorsException">It breaks a rule of the format; the message says which.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static SafetensorsFile Open(string path) => new(path);

    /// <summary>A copy of a tensor in its own type.</summary>
    /// <exception cref="SafetensorsException">There is no such tensor, or it is too large for one array.</exception>
    public HostTensor Read(string name)
    {
        var entry = Find(name);
        return HostTensor.FromBytes(Bytes(name, entry), entry.Type, entry.Shape);
    }

    /// <summary>A tensor as F32: F16 and BF16 exactly, F64 rounded to nearest even.</summary>
    /// <exception cref="SafetensorsException">There is no such tensor, it holds integers, or it is too large for one array.</exception>
    public float[] ReadF32(string name)
    {
        var entry = Find(name);
        if (entry.Type is DType.I32 or DType.I64 or DType.U8)
        {
            throw new SafetensorsException(Path, name, $"its elements are {entry.Type}, floating-point numbers are needed");
        }
        var values = new float[entry.Shape.Count];
        FloatFormats.ToF32(Bytes(name, entry), entry.Type, values);
        return values;
    }

    /// <summary>Refuses values of a tensor of this file that a model cannot have: NaN and infinity.</summary>
    /// <exception cref="SafetensorsException">There is one; the message says which and where.</exception>
    public void RequireFinite(string name, ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw new SafetensorsException(Path, name, $"element {i} is {values[i]}: the file is damaged or its training diverged");
            }
        }
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _view?.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _map?.Dispose();
    }

    private SafetensorsEntry Find(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Tensors.TryGetValue(name, out var entry)) return entry;
        string sample = string.Join(", ", Tensors.Keys.Take(3));
        throw new SafetensorsException(Path, name, $"the file has no such tensor among its {Tensors.Count} ({sample}, ...)");
    }

    private ReadOnlySpan<byte> Bytes(string name, SafetensorsEntry entry)
    {
        if (entry.Bytes > Array.MaxLength)
        {
            throw new SafetensorsException(Path, name, $"it has {entry.Bytes:N0} bytes, at most {Array.MaxLength:N0} can be read at once");
        }
        return new ReadOnlySpan<byte>(_start + entry.Offset, (int)entry.Bytes);
    }
}
