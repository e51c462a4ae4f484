using System.Buffers.Binary;
using System.Text;

namespace CudaAttribution.Tensors.Weights.Torch;

/// <summary>
/// The directory of a zip archive whose files are stored without compression, as PyTorch writes them: so a file's content is a run of bytes of the
/// archive, which can be read in place. ZIP64 is read; checksums are not compared, PyTorch does not compare them either.
/// </summary>
internal sealed class StoredZip
{
    private const uint EndSignature = 0x06054b50, End64Signature = 0x06064b50, Locator64Signature = 0x07064b50;
    private const uint EntrySignature = 0x02014b50, LocalSignature = 0x04034b50;
    private const int EndBytes = 22, End64Bytes = 56, Locator64Bytes = 20, EntryBytes = 46, LocalBytes = 30;
    private const int MaxCommentBytes = ushort.MaxValue, MaxDirectoryBytes = 64 << 20;
    private const ushort Zip64Field = 1, Encrypted = 1;

    private readonly string _path;
    private readonly WeightStream _file;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Reads and checks the directory.</summary>
    /// <exception cref="WeightFileException">It is no sound zip archive.</exception>
    public StoredZip(string path, WeightStream file)
    {
        (_path, _file) = (path, file);
        var (offset, bytes, count) = Directory();
        ReadOnlySpan<byte> directory = file.Read(offset, bytes);
        for (long i = 0; i < count; i++) directory = directory[ReadEntry(directory)..];
    }

    /// <summary>Names of all files in the archive.</summary>
    public IReadOnlyCollection<string> Names => _entries.Keys;

    /// <summary>Where the content of a file lies.</summary>
    /// <exception cref="WeightFileException">There is no such file, it is compressed or encrypted, or it is not inside the archive.</exception>
    public (long Offset, long Bytes) Find(string name)
    {
        if (!_entries.TryGetValue(name, out var entry)) throw Fail($"the archive has no file '{PrintableText.Of(name)}': it is damaged");
        if (entry.Method != 0 || (entry.Flags & Encrypted) != 0 || entry.Bytes != entry.StoredBytes)
        {
            throw Fail($"'{PrintableText.Of(name)}' in the archive is compressed or encrypted, which torch.save never does: save it again with it");
        }
        var header = Slice(entry.Offset, LocalBytes, "a file's header");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LocalSignature) throw Fail($"the header of '{PrintableText.Of(name)}' is damaged");
        long start = entry.Offset + LocalBytes + U16(header, 26) + U16(header, 28);
        if (start > _file.Length || entry.Bytes > _file.Length - start)
        {
            throw Fail($"'{PrintableText.Of(name)}' claims {entry.Bytes:N0} bytes at {start:N0}, the archive has {_file.Length:N0}: it is truncated");
        }
        return (start, entry.Bytes);
    }

    /// <summary>Place and number of entries of the central directory.</summary>
    private (long Offset, int Bytes, long Count) Directory()
    {
        int tail = (int)Math.Min(_file.Length, EndBytes + MaxCommentBytes);
        ReadOnlySpan<byte> bytes = _file.Read(_file.Length - tail, tail);
        int end = tail - EndBytes;
        while (end >= 0 && !(U32(bytes, end) == EndSignature && U16(bytes, end + 20) == tail - end - EndBytes)) end--;
        if (end < 0) throw Fail("it begins as a zip archive, as torch.save writes it, but has no directory at its end: it is truncated");
        long count = U16(bytes, end + 10), size = U32(bytes, end + 12), offset = U32(bytes, end + 16);
        if (end >= Locator64Bytes && U32(bytes, end - Locator64Bytes) == Locator64Signature)
        {
            long at = I64(bytes, end - Locator64Bytes + 8);
            var end64 = Slice(at, End64Bytes, "the directory's end");
            if (U32(end64, 0) != End64Signature) throw Fail("the directory's end is damaged");
            (count, size, offset) = (I64(end64, 32), I64(end64, 40), I64(end64, 48));
        }
        if (size < 0 || size > MaxDirectoryBytes) throw Fail($"its directory claims {size:N0} bytes, at most {MaxDirectoryBytes:N0} are read");
        if (count < 0 || count * EntryBytes > size) throw Fail($"its directory of {size:N0} bytes claims {count:N0} entries: it is damaged");
        RequireInside(offset, (int)size, "the directory");
        return (offset, (int)size, count);
    }

    /// <returns>Bytes of the entry that <paramref name="directory"/> begins with.</returns>
    private int ReadEntry(ReadOnlySpan<byte> directory)
    {
        if (directory.Length < EntryBytes || U32(directory, 0) != EntrySignature) throw Fail("an entry of its directory is damaged");
        int nameBytes = U16(directory, 28), extraBytes = U16(directory, 30), total = EntryBytes + nameBytes + extraBytes + U16(directory, 32);
        if (total > directory.Length) throw Fail("an entry of its directory is damaged");
        string name = Encoding.UTF8.GetString(directory.Slice(EntryBytes, nameBytes));
        long stored = U32(directory, 20), size = U32(directory, 24), offset = U32(directory, 42);
        var wide = Wide(directory.Slice(EntryBytes + nameBytes, extraBytes));
        if (size == uint.MaxValue) size = Next(ref wide);
        if (stored == uint.MaxValue) stored = Next(ref wide);
        if (offset == uint.MaxValue) offset = Next(ref wide);
        if (size < 0 || stored < 0 || offset < 0) throw Fail($"the entry of '{PrintableText.Of(name)}' in its directory is damaged");
        if (!_entries.TryAdd(name, new Entry(offset, size, stored, U16(directory, 10), U16(directory, 8))))
        {
            throw Fail($"the archive has two files '{PrintableText.Of(name)}'");
        }
        return total;
    }

    /// <summary>The ZIP64 field of an entry's extra fields; empty where there is none.</summary>
    private static ReadOnlySpan<byte> Wide(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            int id = U16(extra, 0), bytes = Math.Min(U16(extra, 2), extra.Length - 4);
            if (id == Zip64Field) return extra.Slice(4, bytes);
            extra = extra[(4 + bytes)..];
        }
        return [];
    }

    /// <summary>The next number of a ZIP64 field; -1 where there is none.</summary>
    private static long Next(ref ReadOnlySpan<byte> field)
    {
        if (field.Length < 8) return -1;
        long value = I64(field, 0);
        field = field[8..];
        return value;
    }

    private ReadOnlySpan<byte> Slice(long offset, int bytes, string what)
    {
        RequireInside(offset, bytes, what);
        return _file.Read(offset, bytes);
    }

    private void RequireInside(long offset, int bytes, string what)
    {
        if (offset < 0 || bytes > _file.Length || offset > _file.Length - bytes)
        {
            throw Fail($"{what} lies outside the archive of {_file.Length:N0} bytes: it is truncated or damaged");
        }
    }

    private static int U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long I64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private WeightFileException Fail(string reason) => new(_path, null, reason);

    private readonly record struct Entry(long Offset, long Bytes, long StoredBytes, int Method, int Flags);
}
