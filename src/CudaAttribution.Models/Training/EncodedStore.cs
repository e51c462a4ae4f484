using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>
/// What a frozen part made of a training set, in a file, from which batches read it by number: none of it is in memory. Beside the checkpoints, a run
/// that is taken up again does not encode the set anew; without them the file goes with the run. It is named by a hash of all that decides its contents;
/// for each item it has the values (F32) and their SHA-256, so what a kill left of the last item is noticed.
/// </summary>
internal sealed class EncodedStore : IDisposable
{
    private readonly FileStream _file;
    private readonly byte[] _record;

    private EncodedStore(FileStream file, int valueBytes) => (_file, _record) = (file, new byte[valueBytes + SHA256.HashSizeInBytes]);

    /// <summary>Items that are stored.</summary>
    public int Count { get; private set; }

    /// <summary>Opens the store of a run that can be taken up again.</summary>
    /// <param name="folder">The checkpoint folder.</param>
    /// <param name="name">What is encoded.</param>
    /// <param name="key">What decides the contents.</param>
    /// <param name="valueBytes">Bytes of an item.</param>
    /// <exception cref="ModelFileException">The file cannot be read or written.</exception>
    public static EncodedStore Open(string folder, string name, string key, int valueBytes)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        return Open(Path.Combine(folder, $"{name}-{hash[..16]}.encoded"), FileOptions.None, valueBytes);
    }

    /// <summary>Makes a store that is deleted when it is disposed.</summary>
    /// <param name="valueBytes">Bytes of an item.</param>
    /// <exception cref="ModelFileException">The file cannot be made.</exception>
    public static EncodedStore Temporary(int valueBytes) =>
        Open(Path.Combine(Path.GetTempPath(), $"cudattr-{Guid.NewGuid():N}.encoded"), FileOptions.DeleteOnClose, valueBytes);

    /// <summary>Appends the next item.</summary>
    /// <exception cref="ModelFileException">It cannot be written.</exception>
    public void Append(Tensor item)
    {
        var values = _record.AsSpan(..^SHA256.HashSizeInBytes);
        MemoryMarshal.AsBytes<float>(item.ToArray<float>()).CopyTo(values);
        SHA256.HashData(values, _record.AsSpan(values.Length));
        try
        {
            RandomAccess.Write(_file.SafeFileHandle, _record, Position(Count));
        }
        catch (IOException e)
        {
            throw new ModelFileException($"{_file.Name} cannot be written: {e.Message}", e);
        }
        Count++;
    }

    /// <summary>Reads the values of an item.</summary>
    /// <exception cref="ModelFileException">It cannot be read, or was changed.</exception>
    public void Read(int item, Span<byte> values)
    {
        try
        {
            if (!TryRead(item)) throw new ModelFileException($"{_file.Name} was changed during the run: item {item} is not what was stored");
        }
        catch (IOException e)
        {
            throw new ModelFileException($"{_file.Name} cannot be read: {e.Message}", e);
        }
        _record.AsSpan(..^SHA256.HashSizeInBytes).CopyTo(values);
    }

    public void Dispose() => _file.Dispose();

    private static EncodedStore Open(string path, FileOptions kind, int valueBytes)
    {
        try
        {
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, kind);
            var store = new EncodedStore(file, valueBytes);
            store.FindEnd();
            return store;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"{path} cannot be used: {e.Message}", e);
        }
    }

    private long Position(int item) => (long)item * _record.Length;

    /// <summary>Reads a record, and says whether it is whole.</summary>
    private bool TryRead(int item)
    {
        int read = 0;
        while (read < _record.Length && RandomAccess.Read(_file.SafeFileHandle, _record.AsSpan(read), Position(item) + read) is > 0 and var more) read += more;
        var values = _record.AsSpan(..^SHA256.HashSizeInBytes);
        return read == _record.Length && SHA256.HashData(values).AsSpan().SequenceEqual(_record.AsSpan(values.Length));
    }

    /// <summary>Counts the whole records and drops what comes after.</summary>
    private void FindEnd()
    {
        while (TryRead(Count)) Count++;
        _file.SetLength(Position(Count));
    }
}
