using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace CudaAttribution.Tensors.Weights;

/// <summary>Writes safetensors files: equal content gives equal bytes, and the file appears whole or not at all.</summary>
public static class SafetensorsWriter
{
    private const int ChunkElements = 1 << 20;

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
        RequireStorable(floats);
        using var source = new HostWeights(path, tensors);
        Write(path, source, metadata, type => type == DType.F32 ? floats : type);
    }

    /// <summary>
    /// Writes the tensors of a source, one after the other, so that no more than a part of one of them is in memory at a time; else as the other
    /// overload.
    /// </summary>
    /// <param name="path">Where to; must not be a file that <paramref name="source"/> reads.</param>
    /// <param name="source">The tensors; its metadata are not written.</param>
    /// <param name="metadata">String pairs for <c>__metadata__</c>; null or empty for none.</param>
    /// <param name="floats">
    /// Type to store every floating-point tensor as: F32, F16 or BF16, rounded to nearest even; null keeps the type of each. Integers keep theirs.
    /// </param>
    /// <exception cref="WeightFileException">As the other overload, or <paramref name="source"/> cannot be read.</exception>
    public static void Write(string path, IWeightSource source, IReadOnlyDictionary<string, string>? metadata = null, DType? floats = null)
    {
        if (floats is { } wanted) RequireStorable(wanted);
        Write(path, source, metadata, type => type.IsFloat() ? floats ?? type : type);
    }

    private static void Write(string path, IWeightSource source, IReadOnlyDictionary<string, string>? metadata, Func<DType, DType> stored)
    {
        if (source.Weights.ContainsKey(SafetensorsHeader.MetadataKey))
        {
            throw new SafetensorsException(path, SafetensorsHeader.MetadataKey, "this name is reserved");
        }
        var ordered = source.Weights
            .Select(w => (Name: w.Key, Info: w.Value with { Type = stored(w.Value.Type) }))
            .OrderByDescending(t => t.Info.Type.Size()).ThenBy(t => t.Name, StringComparer.Ordinal).ToArray();
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
                var buffers = new Buffers(ordered);
                foreach (var (name, info) in ordered) Copy(path, source, name, info, buffers, file);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e)
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            if (e is (IOException or UnauthorizedAccessException) and not WeightFileException)
            {
                throw new SafetensorsException(path, null, $"it cannot be written: {e.Message}", e);
            }
            throw;
        }
    }

    private static byte[] Header(string path, (string Name, WeightInfo Info)[] tensors, IReadOnlyDictionary<string, string>? metadata)
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
            foreach (var (name, info) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", info.Type.ToString());
                json.WriteStartArray("shape");
                foreach (int d in info.Shape.AsSpan()) json.WriteNumberValue(d);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(end);
                json.WriteNumberValue(end += info.Bytes);
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

    private static void Copy(string path, IWeightSource source, string name, WeightInfo stored, Buffers buffers, Stream file)
    {
        var type = source.Info(name).Type;
        long count = stored.Shape.Count;
        for (long start = 0; start < count; start += ChunkElements)
        {
            int n = (int)Math.Min(ChunkElements, count - start);
            var chunk = buffers.Bytes.AsSpan(0, n * stored.Type.Size());
            if (type == stored.Type) source.Read(name, start, chunk);
            else if (stored.Type == DType.F32) source.ReadF32(name, start, MemoryMarshal.Cast<byte, float>(chunk));
            else
            {
                var values = buffers.Values.AsSpan(0, n);
                source.ReadF32(name, start, values);
                Narrow(path, name, start, values, stored.Type, chunk);
            }
            file.Write(chunk);
        }
    }

    private static void Narrow(string path, string name, long start, ReadOnlySpan<float> values, DType type, Span<byte> stored)
    {
        var halves = MemoryMarshal.Cast<byte, Half>(stored);
        var bits = MemoryMarshal.Cast<byte, ushort>(stored);
        for (int i = 0; i < values.Length; i++)
        {
            bool finite;
            if (type == DType.F16) finite = Half.IsFinite(halves[i] = (Half)values[i]);
            else finite = ((bits[i] = FloatFormats.ToBF16(values[i])) & 0x7F80) != 0x7F80;
            if (!finite && float.IsFinite(values[i]))
            {
                throw new SafetensorsException(
                    path, name, $"element {start + i} is {values[i]}, beyond the range of {type}; store it as F32 or BF16");
            }
        }
    }

    /// <summary>Room for a piece of a tensor as it is stored and as F32, the same for all tensors.</summary>
    private sealed class Buffers((string Name, WeightInfo Info)[] tensors)
    {
        private readonly long _elements = tensors.Select(t => Math.Min(t.Info.Shape.Count, ChunkElements)).DefaultIfEmpty().Max();
        private byte[]? _bytes;
        private float[]? _values;

        public byte[] Bytes => _bytes ??= new byte[_elements * tensors.Max(t => t.Info.Type.Size())];

        public float[] Values => _values ??= new float[_elements];
    }

    private static void RequireStorable(DType type)
    {
        if (type is not (DType.F32 or DType.F16 or DType.BF16))
        {
            throw new ArgumentException($"tensors cannot be stored as {type}: use F32, F16 or BF16", "floats");
        }
    }
}
