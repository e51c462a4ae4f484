using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace CudaAttribution.Tensors;

/// <summary>Writes safetensors files: equal content gives equal bytes, and the file appears whole or not at all.</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes a file, replacing one of the same name.</summary>
    /// <remarks>
    /// Tensors follow each other by descending element size and, within a size, in ordinal order of names; so each is aligned to its elements. The
    /// header is padded with spaces to a multiple of 8 bytes. The file is written beside its place, flushed to the disk and then renamed.
    /// </remarks>
    /// <param name="path">Where to.</param>
    /// <param name="tensors">By name.</param>
    /// <param name="metadata">String pairs for <c>__metadata__</c>; null or empty for none.</param>
    /// <param name="floats">Type to store F32 tensors as: F32, F16 or BF16, rounded to nearest even. Other tensors keep their type.</param>
    /// <exception cref="SafetensorsException">A name is reserved, a number has no finite value in <paramref name="floats"/>, or the file cannot be
    /// written.</exception>
    public static void Write(
        string path, IReadOnlyDictionary<string, HostTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null, DType floats = DType.F32)
    {
        if (floats is not (DType.F32 or DType.F16 or DType.BF16))
        {
            throw new ArgumentException($"tensors cannot be stored as {floats}: use F32, F16 or BF16", nameof(floats));
        }
        if (tensors.ContainsKey(SafetensorsHeader.MetadataKey))
        {
            throw new SafetensorsException(path, SafetensorsHeader.MetadataKey, "this name is reserved");
        }
        var ordered = tensors
            .Select(t => (Name: t.Key, Tensor: t.Value, Type: t.Value.Type == DType.F32 ? floats : t.Value.Type))
            .OrderByDescending(t => t.Type.Size()).ThenBy(t => t.Name, StringComparer.Ordinal).ToArray();
        byte[] header = Header(path, ordered, metadata);

        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}.tmp");
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
                BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
                file.Write(length);
                file.Write(header);
                foreach (var (name, tensor, type) in ordered) file.Write(Convert(path, name, tensor, type).Bytes);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e)
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            if (e is (IOException or UnauthorizedAccessException) and not SafetensorsException)
            {
                throw new SafetensorsException(path, null, $"it cannot be written: {e.Message}", e);
            }
            throw;
        }
    }

    private static byte[] Header(string path, (string Name, HostTensor Tensor, DType Type)[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(p => p.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            long end = 0;
            foreach (var (name, tensor, type) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", type.ToString());
                json.WriteStartArray("shape");
                foreach (int d in tensor.Shape.AsSpan()) json.WriteNumberValue(d);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(end);
                json.WriteNumberValue(end += tensor.Count * type.Size());
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        int padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        if (buffer.WrittenCount > SafetensorsHeader.MaxLength)
        {
            throw new SafetensorsException(
                path, null, $"its header would have {buffer.WrittenCount:N0} bytes, at most {SafetensorsHeader.MaxLength:N0} are allowed");
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static HostTensor Convert(string path, string name, HostTensor tensor, DType type)
    {
        var result = tensor.As(type);
        if (type is DType.F16 or DType.BF16 && !ReferenceEquals(result, tensor))
        {
            float[] before = tensor.ToF32(), after = result.ToF32();
            for (int i = 0; i < before.Length; i++)
            {
                if (float.IsFinite(before[i]) && !float.IsFinite(after[i]))
                {
                    throw new SafetensorsException(path, name, $"element {i} is {before[i]}, beyond the range of {type}; store it as F32 or BF16");
                }
            }
        }
        return result;
    }
}
