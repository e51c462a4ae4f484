using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;

namespace CudaAttribution.Tensors.Weights;

/// <summary>Where a tensor lies in a safetensors file.</summary>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Extents.</param>
/// <param name="Offset">First byte, counted from the start of the file.</param>
/// <param name="Bytes">Length in bytes.</param>
public readonly record struct SafetensorsEntry(DType Type, Shape Shape, long Offset, long Bytes);

/// <summary>
/// The header of a safetensors file, checked: 8 bytes of header length (little-endian), a JSON object of <c>{"dtype", "shape", "data_offsets":
/// [begin, end]}</c> by tensor name with optional string pairs under <c>__metadata__</c>, then the data, which the tensors cover without gap or
/// overlap.
/// </summary>
internal sealed class SafetensorsHeader
{
    public const string MetadataKey = "__metadata__";
    public const int LengthBytes = 8;
    public const int MaxLength = 100_000_000;

    /// <summary>No network has tensors of more axes; a file that claims a million of them is not one of weights.</summary>
    public const int MaxRank = 16;

    /// <summary>Tensors and strings together; the largest published models have some tens of thousands.</summary>
    public const int MaxEntries = 500_000;

    private readonly string _path;

    private SafetensorsHeader(string path) => _path = path;

    public SortedDictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, SafetensorsEntry> Tensors { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads and checks the header of an open file.</summary>
    /// <exception cref="SafetensorsException">The file breaks a rule of the format.</exception>
    public static SafetensorsHeader Read(string path, WeightStream file)
    {
        long size = file.Length;
        if (size < LengthBytes)
        {
            throw new SafetensorsException(
                path, null, $"the file has {size} bytes, a safetensors file begins with {LengthBytes} bytes of header length");
        }
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(file.Read(0, LengthBytes));
        if (length > MaxLength)
        {
            throw new SafetensorsException(
                path, null, $"the header claims {length:N0} bytes, at most {MaxLength:N0} are accepted: this is not a safetensors file");
        }
        if ((long)length > size - LengthBytes)
        {
            throw new SafetensorsException(
                path, null, $"the header claims {length:N0} bytes, the file has {size - LengthBytes:N0} after the length: it is truncated");
        }
        byte[] json = file.Read(LengthBytes, (int)length);
        var header = new SafetensorsHeader(path);
        header.Parse(json);
        header.Place(LengthBytes + (long)length, size);
        return header;
    }

    private void Parse(byte[] json)
    {
        if (json.Length == 0 || json[0] != (byte)'{') throw Fail(null, "the header does not begin with '{': this is not a safetensors file");
        if (!Utf8.IsValid(json)) throw Fail(null, "the header is not valid UTF-8");
        try
        {
            using var document = JsonDocument.Parse(json);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataKey) ReadMetadata(property.Value);
                else if (!Tensors.TryAdd(property.Name, ReadEntry(property.Name, property.Value)))
                {
                    throw Fail(property.Name, "the header names it twice");
                }
                RequireFew();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter for half of a surrogate pair, written as an escape
        {
            throw new SafetensorsException(_path, null, $"the header is not valid JSON: {e.Message}", e);
        }
    }

    private void ReadMetadata(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) throw Fail(null, $"{MetadataKey} is not an object");
        foreach (var pair in value.EnumerateObject())
        {
            if (pair.Value.ValueKind != JsonValueKind.String) throw Fail(null, $"{MetadataKey} '{pair.Name}' is not a string");
            if (!Metadata.TryAdd(pair.Name, pair.Value.GetString()!)) throw Fail(null, $"{MetadataKey} '{pair.Name}' is there twice");
            RequireFew();
        }
    }

    private void RequireFew()
    {
        if (Tensors.Count + Metadata.Count > MaxEntries) throw Fail(null, $"the header has more than {MaxEntries:N0} entries");
    }

    /// <summary>An entry whose offset still counts from the start of the data.</summary>
    private SafetensorsEntry ReadEntry(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) throw Fail(name, "its entry is not an object");
        JsonElement? type = null, shape = null, offsets = null;
        foreach (var field in value.EnumerateObject())
        {
            ref var slot = ref type;
            switch (field.Name)
            {
                case "dtype":
                    break;
                case "shape":
                    slot = ref shape;
                    break;
                case "data_offsets":
                    slot = ref offsets;
                    break;
                default:
                    throw Fail(name, $"unknown field '{field.Name}'");
            }
            if (slot is not null) throw Fail(name, $"field '{field.Name}' is there twice");
            slot = field.Value;
        }
        if (type is null || shape is null || offsets is null) throw Fail(name, "dtype, shape and data_offsets are needed");
        string? word = type.Value.ValueKind == JsonValueKind.String ? type.Value.GetString() : null;
        if (!Enum.TryParse(word, out DType dtype) || !Enum.IsDefined(dtype) || dtype.ToString() != word)
        {
            throw Fail(name, $"dtype {type.Value.GetRawText()} is not supported; supported are {string.Join(", ", Enum.GetNames<DType>())}");
        }
        long[] range = Integers(name, "data_offsets", offsets.Value, long.MaxValue);
        if (range.Length != 2 || range[0] > range[1])
        {
            throw Fail(name, $"data_offsets {offsets.Value.GetRawText()} are not [begin, end] with begin <= end");
        }
        var dims = new Shape([.. Integers(name, "shape", shape.Value, int.MaxValue).Select(d => (int)d)]);
        long bytes = range[1] - range[0], expected = BytesOf(name, dims, dtype);
        if (bytes != expected)
        {
            throw Fail(name, $"data_offsets {offsets.Value.GetRawText()} span {bytes:N0} bytes, {dtype} {dims} takes {expected:N0}");
        }
        return new SafetensorsEntry(dtype, dims, range[0], bytes);
    }

    private long[] Integers(string name, string field, JsonElement value, long max)
    {
        if (value.ValueKind != JsonValueKind.Array) throw Fail(name, $"{field} is not an array");
        int count = value.GetArrayLength();
        if (count > MaxRank) throw Fail(name, $"{field} has {count:N0} numbers, at most {MaxRank} are accepted");
        var result = new long[count];
        for (int i = 0; i < result.Length; i++)
        {
            var item = value[i];
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out result[i]) || result[i] < 0 || result[i] > max)
            {
                throw Fail(name, $"{field} has {item.GetRawText()}, an integer from 0 to {max} is needed");
            }
        }
        return result;
    }

    private long BytesOf(string name, Shape shape, DType type)
    {
        UInt128 bytes = (UInt128)type.Size();
        foreach (int d in shape.AsSpan())
        {
            bytes *= (UInt128)d;
            if (bytes == 0) return 0;
            if (bytes > long.MaxValue) throw Fail(name, $"shape {shape} is larger than any file");
        }
        return (long)bytes;
    }

    /// <summary>Checks that the tensors cover the data exactly, and turns their offsets into positions in the file.</summary>
    private void Place(long start, long size)
    {
        long end = 0;
        foreach (var (name, entry) in Tensors.OrderBy(t => t.Value.Offset).ThenBy(t => t.Value.Bytes).ToArray())
        {
            if (entry.Offset < end) throw Fail(name, $"its data begin at {entry.Offset:N0}, inside the tensor before it, which ends at {end:N0}");
            if (entry.Offset > end)
            {
                throw Fail(
                    name,
                    $"its data begin at {entry.Offset:N0}, {entry.Offset - end:N0} bytes after the tensor before it ends: there must be no gap");
            }
            end = entry.Offset + entry.Bytes;
            Tensors[name] = entry with { Offset = start + entry.Offset };
        }
        if (end > size - start) throw Fail(null, $"the tensors need {end:N0} bytes of data, the file has {size - start:N0}: it is truncated");
        if (end < size - start)
        {
            throw Fail(null, $"the tensors cover {end:N0} bytes of data, the file has {size - start:N0}: it has bytes that belong to no tensor");
        }
    }

    private SafetensorsException Fail(string? tensor, string reason) => new(_path, tensor, reason);
}
