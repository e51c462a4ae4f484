using System.Text.Json;
using CudaAttribution.Runs;

namespace CudaAttribution.Chain;

/// <summary>
/// A file of records, one a line, that only grows, and of which nothing can be changed, left out or moved later without it showing: each line holds
/// the hash of all before it. A chain that was cut behind one of its lines is a chain too; who needs to know keeps <see cref="Head"/> elsewhere.
/// </summary>
public sealed class HashChain<T> : IDisposable
{
    private readonly string _file, _kind;
    private readonly byte[] _start;
    private readonly FileStream _stream;
    private byte[] _head;

    private HashChain(string file, byte[] start, FileStream stream, string kind) =>
        (_file, _start, _stream, _head, _kind) = (file, start, stream, start, kind);

    /// <summary>The hash of the last record, or what the chain begins with; 64 hex digits.</summary>
    public string Head => Convert.ToHexStringLower(_head);

    public int Count { get; private set; }

    /// <summary>Every record, in order, read from the file and checked again.</summary>
    public IEnumerable<T> Records => Read(_file, Convert.ToHexStringLower(_start), _kind);

    /// <summary>
    /// Begins a chain, or continues the one that is there: every line of it is checked, and a last one that a killed process left unfinished is cut
    /// off. Whoever continues a chain holds the claim of its folder.
    /// </summary>
    /// <param name="folder">The folder of the run.</param>
    /// <param name="name">The file.</param>
    /// <param name="start">What the chain begins with: the hash of what is fixed beforehand, 64 hex digits.</param>
    /// <param name="kind">What it is, for messages.</param>
    /// <exception cref="ChainException">A line does not fit; it is named.</exception>
    /// <exception cref="UserException">The file cannot be opened.</exception>
    public static HashChain<T> Open(RunFolder folder, string name, string start, string kind)
    {
        string file = folder.Path(name);
        var stream = OnFile(() => new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read), file, kind);
        try
        {
            var chain = new HashChain<T>(file, Bytes(start), stream, kind);
            long end = 0;
            foreach (var line in ChainLines.Read(stream, file, chain._start, cutOff: true))
                (chain._head, end, chain.Count) = (line.Head, line.End, chain.Count + 1);
            stream.SetLength(end);
            stream.Position = end;
            return chain;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads a chain without continuing it.</summary>
    /// <param name="file">The chain.</param>
    /// <param name="start">What it begins with, 64 hex digits.</param>
    /// <param name="kind">What it is, for messages.</param>
    /// <param name="unfinished">Whether somebody may be writing, or was killed when writing: the beginning of a last line is left out then.</param>
    /// <exception cref="ChainException">A line does not fit, or is no such record.</exception>
    /// <exception cref="UserException">The file cannot be read.</exception>
    public static IEnumerable<T> Read(string file, string start, string kind, bool unfinished = false)
    {
        using var stream = OnFile(() => new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), file, kind);
        int number = 0;
        foreach (var line in ChainLines.Read(stream, file, Bytes(start), cutOff: unfinished))
        {
            number++;
            T record;
            try
            {
                record = line.Record.Deserialize<T>(Json.Options) ?? throw new JsonException("the record is null");
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                throw new ChainException($"not a record of a {kind}: {e.Message.TrimEnd('.')}", file, number, e);
            }
            yield return record;
        }
    }

    /// <summary>The hash of the last record of a chain that nobody continues, or what it begins with where it has none.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public static string HeadOf(string file, string start, string kind)
    {
        using var stream = OnFile(() => new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), file, kind);
        byte[] head = Bytes(start);
        foreach (var line in ChainLines.Read(stream, file, head, cutOff: false)) head = line.Head;
        return Convert.ToHexStringLower(head);
    }

    /// <summary>Adds a record; it is on the disk when this returns, and the chain is as before where it fails.</summary>
    /// <exception cref="UserException">The disk is full, or the file is gone.</exception>
    public void Append(T record)
    {
        var (line, head) = ChainLines.Write(JsonSerializer.SerializeToNode(record, Json.Options), _head);
        long end = _stream.Position;
        try
        {
            _stream.Write(line);
            _stream.Flush(flushToDisk: true);
        }
        catch (IOException e)
        {
            _stream.SetLength(end);
            _stream.Position = end;
            throw new UserException($"cannot write this {_kind} ({e.Message.TrimEnd('.')})", "Make room; what is there stays.", _file, e);
        }
        (_head, Count) = (head, Count + 1);
    }

    public void Dispose() => _stream.Dispose();

    private static byte[] Bytes(string start) =>
        Sha256Text.TryRead(start, out byte[] bytes) ? bytes : throw new ArgumentException("A chain begins with 64 hex digits.", nameof(start));

    private static FileStream OnFile(Func<FileStream> open, string file, string kind)
    {
        try
        {
            return open();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException(
                $"cannot open this {kind} ({e.Message.TrimEnd('.')})", "Check the path and its permissions.", file, e);
        }
    }
}
