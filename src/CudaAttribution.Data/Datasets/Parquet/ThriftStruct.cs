namespace CudaAttribution.Data.Datasets.Parquet;

/// <summary>A struct of Thrift's compact encoding: its fields by number, as long, bytes, struct or list of these.</summary>
internal sealed class ThriftStruct
{
    private const int MostDepth = 16;

    private readonly Dictionary<int, object> fields = [];

    public bool Has(int field) => fields.ContainsKey(field);

    public long Number(int field) => Optional(field) ?? throw Missing(field);

    /// <exception cref="InvalidDataException">It is there and not of 32 bits.</exception>
    public int Small(int field) => Number(field) is >= int.MinValue and <= int.MaxValue and var n ? (int)n : throw Damage($"field {field} is {Number(field)}");

    public long? Optional(int field) => fields.TryGetValue(field, out object? value) ? value as long? ?? throw Missing(field) : null;

    public ReadOnlyMemory<byte> Bytes(int field) => fields.GetValueOrDefault(field) as ReadOnlyMemory<byte>? ?? throw Missing(field);

    public ThriftStruct Struct(int field) => fields.GetValueOrDefault(field) as ThriftStruct ?? throw Missing(field);

    public IEnumerable<T> List<T>(int field) =>
        (fields.GetValueOrDefault(field) as List<object> ?? throw Missing(field)).Select(v => v is T t ? t : throw Missing(field));

    /// <summary>Reads a struct from the beginning of the bytes and no further than their end.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="length">How many of them it takes.</param>
    /// <exception cref="EndOfStreamException">It goes on after them.</exception>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static ThriftStruct Read(ReadOnlyMemory<byte> bytes, out int length)
    {
        var reader = new Reader(bytes);
        ThriftStruct read = reader.Struct(MostDepth);
        length = reader.At;
        return read;
    }

    private static InvalidDataException Damage(string what) => new($"its description is damaged: {what}");

    private static InvalidDataException Missing(int field) => Damage($"field {field} is missing or of another type");

    private sealed class Reader(ReadOnlyMemory<byte> bytes)
    {
        private const int True = 1, False = 2, I8 = 3, I64 = 6, Double = 7, Binary = 8, ListOf = 9, SetOf = 10, Map = 11, StructOf = 12;

        public int At { get; private set; }

        public ThriftStruct Struct(int depth)
        {
            if (depth == 0) throw Damage("it is nested too deeply");
            var result = new ThriftStruct();
            for (int field = 0; ;)
            {
                int head = Byte();
                if (head == 0) return result;
                field = head >> 4 is > 0 and var delta ? field + delta : (int)ZigZag();
                int type = head & 15;
                if (!result.fields.TryAdd(field, type is True or False ? (long)(type == True ? 1 : 0) : Value(type, depth)))
                    throw Damage($"field {field} comes twice");
            }
        }

        private object Value(int type, int depth)
        {
            switch (type)
            {
                case True or False:
                    return (long)(Byte() == 1 ? 1 : 0);
                case I8:
                    return (long)(sbyte)Byte();
                case > I8 and <= I64:
                    return ZigZag();
                case Double:
                    return Take(sizeof(double));
                case Binary:
                    return Take(Varint());
                case ListOf or SetOf:
                    int head = Byte();
                    return Values(head >> 4 is < 15 and var few ? (ulong)few : Varint(), _ => head & 15, depth);
                case Map:
                    ulong pairs = Varint();
                    int types = pairs == 0 ? 0 : Byte();
                    return Values(2 * Math.Min(pairs, int.MaxValue), i => i % 2 == 0 ? types >> 4 : types & 15, depth);
                case StructOf:
                    return Struct(depth - 1);
                default:
                    throw Damage($"there is no type {type}");
            }
        }

        /// <summary>A value takes a byte at least, so that a number of them that cannot be is refused before anything of its size is allocated.</summary>
        private List<object> Values(ulong count, Func<int, int> type, int depth)
        {
            if (depth == 0) throw Damage("it is nested too deeply");
            if (count > (ulong)(bytes.Length - At)) throw new EndOfStreamException("its description is cut short");
            var values = new List<object>((int)count);
            for (int i = 0; i < (int)count; i++) values.Add(Value(type(i), depth - 1));
            return values;
        }

        private int Byte() => At < bytes.Length ? bytes.Span[At++] : throw new EndOfStreamException("its description is cut short");

        private ReadOnlyMemory<byte> Take(ulong count)
        {
            if (count > (ulong)(bytes.Length - At)) throw new EndOfStreamException("its description is cut short");
            At += (int)count;
            return bytes.Slice(At - (int)count, (int)count);
        }

        private ulong Varint()
        {
            ulong value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                int b = Byte();
                value |= (ulong)(b & 127) << shift;
                if (b < 128) return value;
            }
            throw Damage("a number has too many bytes");
        }

        private long ZigZag()
        {
            ulong n = Varint();
            return (long)(n >> 1) ^ -(long)(n & 1);
        }
    }
}
