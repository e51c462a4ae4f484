using System.Buffers.Binary;
using System.Text;

namespace CudaAttribution.Data.Datasets.Parquet;

/// <summary>Physical types of Parquet, by their numbers.</summary>
internal enum ParquetType
{
    Boolean = 0,
    Int32 = 1,
    Int64 = 2,
    Int96 = 3,
    Float = 4,
    Double = 5,
    Bytes = 6,
    FixedBytes = 7,
}

/// <summary>A column of values that come at most once a row.</summary>
/// <param name="Index">Its place among all columns.</param>
/// <param name="Path">Names of the structs that it is in, and its own.</param>
/// <param name="Type">What its pages hold.</param>
/// <param name="IsText">Whether its bytes are UTF-8.</param>
/// <param name="Levels">How many of the path's parts may be null.</param>
internal sealed record ParquetColumn(int Index, IReadOnlyList<string> Path, ParquetType Type, bool IsText, int Levels)
{
    public string Name => string.Join('.', Path);
}

/// <summary>
/// What a Parquet file holds and where, read by us: everything in its description is checked, and Parquet.Net, which makes the values, gets one page at a
/// time in a file that is written anew (<see cref="ParquetPages"/>). So memory is bounded by a page, and the file's own description cannot mislead it.
/// </summary>
internal sealed class ParquetFile
{
    /// <summary>Rows of one row group.</summary>
    public const long MostRows = 1 << 22;

    private const int MostDepth = 16, MostDescriptionBytes = 8 << 20, TailLength = 8;

    private readonly List<ParquetColumn?> columns = [];
    private readonly ThriftStruct[] groups;

    private ParquetFile(string path, long length, ThriftStruct description)
    {
        (Path, Length) = (path, length);
        ThriftStruct[] schema = [.. description.List<ThriftStruct>(2)];
        int at = 0;
        if (schema.Length == 0) throw Damage("it has no columns");
        AddColumns(schema, ref at, [], 0, repeated: false, MostDepth);
        if (at != schema.Length) throw Damage("its columns do not add up");
        if (Columns.CountBy(c => c.Name).Any(c => c.Value > 1)) throw Damage("two columns have one name");
        groups = [.. description.List<ThriftStruct>(4)];
        Rows = [.. groups.Select(g => g.Number(3) is >= 0 and <= MostRows and var rows
            ? (int)rows
            : throw Damage($"a row group has {g.Number(3)} rows, the limit is {MostRows}"))];
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>The columns whose values come at most once a row.</summary>
    public IEnumerable<ParquetColumn> Columns => columns.OfType<ParquetColumn>();

    /// <summary>Rows of each row group.</summary>
    public IReadOnlyList<int> Rows { get; }

    /// <exception cref="DatasetException">It cannot be read, or is no Parquet file.</exception>
    public static ParquetFile Open(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            byte[] head = new byte[4], tail = new byte[TailLength];
            if (stream.Length < 4 + TailLength) throw Damage("it is cut short");
            stream.ReadExactly(head);
            stream.Position = stream.Length - TailLength;
            stream.ReadExactly(tail);
            if (!head.AsSpan().SequenceEqual(ParquetPages.Magic) || !tail.AsSpan(4).SequenceEqual(ParquetPages.Magic))
                throw Damage("it does not begin and end as one");
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(tail);
            if (length > MostDescriptionBytes || length > stream.Length - 4 - TailLength)
                throw Damage($"its description has {length} bytes, of which there may be {Math.Min(MostDescriptionBytes, stream.Length - 4 - TailLength)}");
            byte[] description = new byte[length];
            stream.Position = stream.Length - TailLength - length;
            stream.ReadExactly(description);
            return new ParquetFile(path, stream.Length, ThriftStruct.Read(description, out _));
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw Wrong(path, e);
        }
    }

    /// <summary>A column's pages in a row group.</summary>
    /// <exception cref="DatasetException">Its part of the file is damaged.</exception>
    public ParquetPages Pages(int group, ParquetColumn column)
    {
        try
        {
            ThriftStruct[] chunks = [.. groups[group].List<ThriftStruct>(1)];
            if (chunks.Length != columns.Count) throw Damage($"row group {group} has {chunks.Length} columns of {columns.Count}");
            if (chunks[column.Index].Has(1)) throw Damage("it names another file for a column");
            return new ParquetPages(Path, Length, column, Rows[group], chunks[column.Index].Struct(3));
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw Wrong(Path, e);
        }
    }

    /// <summary>A column of text or whole numbers in a row group; null where there is no value.</summary>
    /// <exception cref="DatasetException">Its part of the file is damaged, or not text.</exception>
    public IEnumerable<string?> Texts(int group, ParquetColumn column)
    {
        ParquetPages pages = Pages(group, column);
        for (int page = 0; page < pages.Count; page++)
        {
            string?[] values;
            try
            {
                values = pages.Texts(page);
            }
            catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                throw Wrong(Path, e);
            }
            foreach (string? value in values) yield return value;
        }
    }

    internal static InvalidDataException Damage(string what) => new(what);

    private static DatasetException Wrong(string path, Exception e) =>
        new($"it cannot be read as Parquet ({OutsideText.Shown(e.Message.TrimEnd('.'))})", "Make or download it again.", path, null, e);

    /// <summary>Adds the columns of the element and of all below it.</summary>
    private void AddColumns(ThriftStruct[] schema, ref int at, string[] parents, int levels, bool repeated, int depth)
    {
        if (at >= schema.Length || depth == 0) throw Damage("its columns do not add up");
        ThriftStruct element = schema[at];
        bool root = at++ == 0;
        string name = Encoding.UTF8.GetString(element.Bytes(4).Span);
        string[] path = root ? [] : [.. parents, name];
        long repetition = root ? 0 : element.Optional(3) ?? 0;
        levels += repetition == 1 ? 1 : 0;
        repeated |= repetition == 2;
        if (element.Optional(5) is > 0 and var children)
        {
            for (long i = 0; i < children; i++) AddColumns(schema, ref at, path, levels, repeated, depth - 1);
            return;
        }
        var type = (ParquetType)element.Number(1);
        bool text = element.Optional(6) == 0 || (element.Has(10) && element.Struct(10).Has(1));
        columns.Add(repeated ? null : new ParquetColumn(columns.Count, path, type, text && type == ParquetType.Bytes, levels));
    }
}
