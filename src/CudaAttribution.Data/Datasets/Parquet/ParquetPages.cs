using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Parquet;

namespace CudaAttribution.Data.Datasets.Parquet;

/// <summary>
/// The pages of one column in one row group. Each is read by itself: its header and the file's description are written anew around its bytes (and those of the
/// dictionary that it refers to), and Parquet.Net reads that.
/// </summary>
internal sealed class ParquetPages
{
    /// <summary>A page may unpack to this many bytes.</summary>
    public const int MostPageBytes = 256 << 20;

    private const long MostTextBytes = 256 << 20;

    private const int DataPage = 0, DictionaryPage = 2, DataPage2 = 3, Snappy = 1;

    private static readonly int[] HeaderLengths = [1 << 12, 1 << 20];
    private static readonly UTF8Encoding StrictUtf8 = new(false, true);

    private readonly string file;
    private readonly ParquetColumn column;
    private readonly int codec;
    private readonly List<Page> pages = [];
    private readonly Page? dictionary;
    private long textBytes;

    /// <summary>What a file begins and ends with.</summary>
    public static ReadOnlySpan<byte> Magic => "PAR1"u8;

    /// <param name="file">The file.</param>
    /// <param name="fileLength">Its length.</param>
    /// <param name="column">The column.</param>
    /// <param name="rows">Rows of the row group.</param>
    /// <param name="chunk">What the file says of the column there.</param>
    /// <exception cref="InvalidDataException">The pages do not lie in the file, or have not as many values as rows.</exception>
    public ParquetPages(string file, long fileLength, ParquetColumn column, int rows, ThriftStruct chunk)
    {
        (this.file, this.column, codec) = (file, column, chunk.Small(4));
        long start = Math.Min(chunk.Number(9), chunk.Optional(11) is > 0 and var first ? first : long.MaxValue), length = chunk.Number(7);
        if (start < 4 || length < 0 || start > fileLength - length) throw Damage($"the column {column.Name} does not lie in the file");
        if (chunk.Number(5) != rows) throw Damage($"the column {column.Name} has {chunk.Number(5)} values for {rows} rows");
        using FileStream stream = File.OpenRead(file);
        for (long at = start; Rows < rows;)
        {
            Page page = Header(stream, at, start + length);
            at = page.Offset + page.Length;
            if (page.Header.Small(1) == DictionaryPage)
            {
                if (dictionary is not null || pages.Count > 0) throw Damage($"the column {column.Name} has a dictionary in its middle");
                dictionary = page;
            }
            else if (page.Header.Small(1) is DataPage or DataPage2)
            {
                pages.Add(page);
                Rows += page.Values;
            }
        }
        if (Rows != rows) throw Damage($"the pages of the column {column.Name} have {Rows} values for {rows} rows");
    }

    /// <summary>How many there are.</summary>
    public int Count => pages.Count;

    /// <summary>Rows of all of them.</summary>
    public int Rows { get; }

    /// <summary>Rows of a page.</summary>
    public int RowsOf(int page) => pages[page].Values;

    /// <summary>A page of text or whole numbers; null where there is no value.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or not UTF-8.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public string?[] Texts(int page)
    {
        try
        {
            return column.Type switch
            {
                ParquetType.Bytes => Decode(Bytes(page)),
                ParquetType.Int32 => [.. Values<int>(page).Select(v => v?.ToString(CultureInfo.InvariantCulture))],
                ParquetType.Int64 => [.. Values<long>(page).Select(v => v?.ToString(CultureInfo.InvariantCulture))],
                _ => throw Damage($"the column {column.Name} is neither text nor whole numbers"),
            };
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"the column {column.Name} has text that is not UTF-8", e);
        }
    }

    /// <summary>A page of bytes; null where there is no value.</summary>
    /// <inheritdoc cref="Texts" path="/exception"/>
    public ReadOnlyMemory<byte>?[] Bytes(int page) => Values<ReadOnlyMemory<byte>>(page);

    private string?[] Decode(ReadOnlyMemory<byte>?[] values)
    {
        // A text of a dictionary comes any number of times and is a string each time.
        textBytes += values.Sum(v => (long)(v?.Length ?? 0));
        if (textBytes > MostTextBytes) throw Damage($"the column {column.Name} has more than {MostTextBytes} bytes of text in a row group");
        return [.. values.Select(v => v is { } bytes ? StrictUtf8.GetString(bytes.Span) : null)];
    }

    private T?[] Values<T>(int number) where T : struct
    {
        Page page = pages[number];
        byte[] whole = Around(page);
        var values = new T[page.Values];
        int[] levels = new int[column.Levels > 0 ? page.Values : 0];
        try
        {
            // Over a stream in memory all of these end at once.
            ParquetReader reader = ParquetReader.CreateAsync(new MemoryStream(whole)).GetAwaiter().GetResult();
            Memory<int>? into = column.Levels > 0 ? levels.AsMemory() : null;
            reader.OpenRowGroupReader(0).ReadRawAsync<T>(reader.Schema.DataFields[0], values, into, null).AsTask().GetAwaiter().GetResult();
        }
        // The library throws whatever its arrays throw where a page is not what its header says.
        catch (Exception e) when (e is not InvalidDataException)
        {
            throw new InvalidDataException($"a page of the column {column.Name} is damaged, or packed in a way that is not read", e);
        }
        if (column.Levels == 0) return [.. values.Select(v => (T?)v)];
        int used = 0;
        return [.. levels.Select(level => level == column.Levels ? values[used++] : (T?)null)];
    }

    /// <summary>A file of this page alone.</summary>
    private byte[] Around(Page page)
    {
        using FileStream stream = File.OpenRead(file);
        var whole = new MemoryStream();
        whole.Write(Magic);
        if (page.UsesDictionary)
            Copy(stream, dictionary ?? throw Damage($"a page of the column {column.Name} refers to a dictionary that is not there"), whole);
        long start = whole.Length;
        Copy(stream, page, whole);
        byte[] description = Description(page.Values, start, whole.Length);
        whole.Write(description);
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, description.Length);
        whole.Write(length);
        whole.Write(Magic);
        return whole.ToArray();
    }

    private void Copy(FileStream stream, Page page, MemoryStream to)
    {
        byte[] bytes = new byte[page.Length];
        stream.Position = page.Offset;
        stream.ReadExactly(bytes);
        if (codec == Snappy && page.Header.Small(1) != DataPage2 && SnappyLength(bytes) != page.Header.Small(2))
            throw Damage($"a page of the column {column.Name} unpacks to another length than it says");
        to.Write(page.WriteHeader());
        to.Write(bytes);
    }

    private byte[] Description(int rows, long start, long end)
    {
        string[] path = [.. Enumerable.Range(0, Math.Max(1, column.Levels)).Select(i => $"c{i}")];
        Action<ThriftWriter>[] schema =
        [
            root => root.Text(4, "root").Number32(5, 1),
            .. path[..^1].Select(name => (Action<ThriftWriter>)(part => part.Number32(3, 1).Text(4, name).Number32(5, 1))),
            leaf => leaf.Number32(1, (int)column.Type).Number32(3, column.Levels > 0 ? 1 : 0).Text(4, path[^1]),
        ];
        Action<ThriftWriter> values = chunk => chunk.Number32(1, (int)column.Type).Numbers32(2, 0).Texts(3, path).Number32(4, codec).Number64(5, rows)
            .Number64(6, end).Number64(7, end).Number64(9, Magic.Length);
        return new ThriftWriter().Body(file => file.Number32(1, 1).Structs(2, schema).Number64(3, rows)
            .Structs(4, group => group.Structs(1, chunk => chunk.Number64(2, Magic.Length).OneStruct(3, values)).Number64(2, end).Number64(3, rows))).ToBytes();
    }

    private static long SnappyLength(ReadOnlySpan<byte> bytes)
    {
        long length = 0;
        for (int i = 0; i < Math.Min(5, bytes.Length); i++)
        {
            length |= (long)(bytes[i] & 127) << (7 * i);
            if (bytes[i] < 128) return length;
        }
        return -1;
    }

    private Page Header(FileStream stream, long at, long end)
    {
        foreach (int most in HeaderLengths)
        {
            byte[] bytes = new byte[Math.Min(most, Math.Max(0, end - at))];
            stream.Position = at;
            stream.ReadExactly(bytes);
            try
            {
                ThriftStruct header = ThriftStruct.Read(bytes, out int length);
                int packed = header.Small(3), unpacked = header.Small(2);
                if (packed < 0 || packed > end - at - length || unpacked < 0)
                    throw Damage($"a page of the column {column.Name} does not lie in the file");
                if (packed > MostPageBytes || unpacked > MostPageBytes)
                    throw Damage($"a page of the column {column.Name} has {Math.Max(packed, unpacked)} bytes, the limit is {MostPageBytes}");
                return new Page(header, at + length, packed).Checked();
            }
            catch (EndOfStreamException) when (bytes.Length == most && most != HeaderLengths[^1])
            {
                // It is longer than most; the second try takes all that a header may have.
            }
        }
        throw Damage($"a page of the column {column.Name} has no header");
    }

    private static InvalidDataException Damage(string what) => ParquetFile.Damage(what);

    /// <param name="Header">As the file has it.</param>
    /// <param name="Offset">Where its bytes begin in the file.</param>
    /// <param name="Length">How many there are.</param>
    private sealed record Page(ThriftStruct Header, long Offset, int Length)
    {
        private const int PlainDictionary = 2, RleDictionary = 8;

        private int Kind => Header.Small(1);

        private ThriftStruct Details => Header.Struct(Kind switch { DataPage => 5, DictionaryPage => 7, _ => 8 });

        public int Values => Details.Small(1);

        public bool UsesDictionary => (Kind == DataPage2 ? Details.Small(4) : Details.Small(2)) is PlainDictionary or RleDictionary;

        public Page Checked()
        {
            if (Kind is not (DataPage or DictionaryPage or DataPage2)) return this;
            // A value of a dictionary takes four bytes at least; other values are counted against the rows.
            long most = Kind == DictionaryPage ? Header.Small(2) / 4 : ParquetFile.MostRows;
            return Values >= 0 && Values <= most ? this : throw Damage($"a page has {Values} values");
        }

        /// <summary>The header with nothing in it but what the values need.</summary>
        public byte[] WriteHeader() => new ThriftWriter().Body(header =>
        {
            header.Number32(1, Kind).Number32(2, Header.Small(2)).Number32(3, Header.Small(3));
            ThriftStruct details = Details;
            if (Kind == DataPage)
                header.OneStruct(5, d => d.Number32(1, Values).Number32(2, details.Small(2)).Number32(3, details.Small(3)).Number32(4, details.Small(4)));
            else if (Kind == DictionaryPage)
                header.OneStruct(7, d => d.Number32(1, Values).Number32(2, details.Small(2)));
            else
                header.OneStruct(8, d => d.Number32(1, Values).Number32(2, details.Small(2)).Number32(3, details.Small(3)).Number32(4, details.Small(4))
                    .Number32(5, details.Small(5)).Number32(6, details.Small(6)).Flag(7, details.Optional(7) != 0));
        }).ToBytes();
    }
}
