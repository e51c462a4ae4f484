using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace CudaAttribution.Tensors.Tests.Weights;

/// <summary>Makes files like those of <c>torch.save</c> by hand, with .NET's zip writer and opcodes from the pickle documentation.</summary>
internal static class TorchArchive
{
    public static readonly byte[] Mark = "("u8.ToArray(), SetItems = "u"u8.ToArray(), Stop = "."u8.ToArray(), Reduce = "R"u8.ToArray();

    /// <summary>An archive with a pickle and storages.</summary>
    public static byte[] Zip(
        byte[] pickle, Dictionary<string, byte[]>? storages = null, CompressionLevel level = CompressionLevel.NoCompression, string root = "archive")
    {
        var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(zip, $"{root}/data.pkl", pickle, level);
            foreach (var (key, bytes) in storages ?? []) Add(zip, $"{root}/data/{key}", bytes, CompressionLevel.NoCompression);
            Add(zip, $"{root}/version", "3\n"u8.ToArray(), CompressionLevel.NoCompression);
        }
        return memory.ToArray();
    }

    /// <summary>A pickle of a dict with these pairs of key and value, each given as opcodes.</summary>
    public static byte[] Dict(params byte[][] items) => [0x80, 2, .. Items(items), .. Stop];

    /// <summary>The opcodes of a dict.</summary>
    public static byte[] Items(params byte[][] items) => [(byte)'}', .. Mark, .. items.SelectMany(i => i), .. SetItems];

    public static byte[] Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text), length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        return [(byte)'X', .. length, .. bytes];
    }

    public static byte[] Int(long value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return [0x8a, 8, .. bytes];
    }

    public static byte[] Global(string module, string name) => Encoding.UTF8.GetBytes($"c{module}\n{name}\n");

    public static byte[] Tuple(params byte[][] items) => [.. Mark, .. items.SelectMany(i => i), (byte)'t'];

    public static byte[] Ints(params long[] values) => Tuple([.. values.Select(Int)]);

    public static byte[] Storage(string type, string key, long count) =>
        [.. Tuple(Text("storage"), Global("torch", type), Text(key), Text("cpu"), Int(count)), (byte)'Q'];

    /// <summary>The opcodes of a tensor over a storage.</summary>
    public static byte[] Tensor(byte[] storage, long offset, long[] sizes, long[] strides) =>
    [
        .. Global("torch._utils", "_rebuild_tensor_v2"),
        .. Tuple(storage, Int(offset), Ints(sizes), Ints(strides), [0x89], [.. Global("collections", "OrderedDict"), (byte)')', .. Reduce]),
        .. Reduce,
    ];

    public static byte[] Floats(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static void Add(ZipArchive zip, string name, byte[] bytes, CompressionLevel level)
    {
        using var entry = zip.CreateEntry(name, level).Open();
        entry.Write(bytes);
    }
}
