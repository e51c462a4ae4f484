namespace CudaAttribution.Data.Datasets.Parquet;

/// <summary>Writes structs in Thrift's compact encoding, their fields in ascending order of numbers.</summary>
internal sealed class ThriftWriter
{
    private const int True = 1, False = 2, I32 = 5, I64 = 6, Binary = 8, List = 9, Struct = 12;

    private readonly List<byte> bytes = [];
    private readonly Stack<int> fields = new([0]);

    public byte[] ToBytes() => [.. bytes];

    public ThriftWriter Number32(int field, int value) => Head(field, I32).Varint(ZigZag(value));

    public ThriftWriter Number64(int field, long value) => Head(field, I64).Varint(ZigZag(value));

    public ThriftWriter Flag(int field, bool value) => Head(field, value ? True : False);

    public ThriftWriter Text(int field, string value) => Head(field, Binary).Raw(value);

    public ThriftWriter Numbers32(int field, params ReadOnlySpan<int> values)
    {
        Head(field, List).ListHead(values.Length, I32);
        foreach (int value in values) Varint(ZigZag(value));
        return this;
    }

    public ThriftWriter Texts(int field, IReadOnlyList<string> values)
    {
        Head(field, List).ListHead(values.Count, Binary);
        foreach (string value in values) Raw(value);
        return this;
    }

    public ThriftWriter Structs(int field, params ReadOnlySpan<Action<ThriftWriter>> values)
    {
        Head(field, List).ListHead(values.Length, Struct);
        foreach (Action<ThriftWriter> value in values) Body(value);
        return this;
    }

    public ThriftWriter OneStruct(int field, Action<ThriftWriter> value) => Head(field, Struct).Body(value);

    public ThriftWriter Body(Action<ThriftWriter> value)
    {
        fields.Push(0);
        value(this);
        fields.Pop();
        bytes.Add(0);
        return this;
    }

    private ThriftWriter Head(int field, int type)
    {
        bytes.Add((byte)((field - fields.Pop()) << 4 | type));
        fields.Push(field);
        return this;
    }

    private void ListHead(int count, int type)
    {
        if (count < 15) bytes.Add((byte)(count << 4 | type));
        else
        {
            bytes.Add((byte)(0xf0 | type));
            Varint((ulong)count);
        }
    }

    private ThriftWriter Raw(string value)
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(value);
        Varint((ulong)text.Length);
        bytes.AddRange(text);
        return this;
    }

    private ThriftWriter Varint(ulong value)
    {
        for (; value > 127; value >>= 7) bytes.Add((byte)(value | 128));
        bytes.Add((byte)value);
        return this;
    }

    private static ulong ZigZag(long value) => (ulong)(value << 1 ^ value >> 63);
}
