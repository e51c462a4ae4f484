using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>
/// What a frozen part made of a training set, in a file beside the checkpoints, so that a run which is taken up again does not encode the set anew.
/// The file is named by a hash of all that decides its contents; for each item it has the values (F32) and their SHA-256, so what a kill left of the
/// last item is noticed.
/// </summary>
internal sealed class EncodedStore : IDisposable
{
    private readonly FileStream _file;
    private readonly byte[] _record;

    private EncodedStore(FileStream file, byte[] record) => (_file, _record) = (file, record);

    /// <summary>Opens the store and reads what is there into the first rows of a table.</summary>
    /// <param name="folder">The checkpoint folder.</param>
    /// <param name="name">What is encoded.</param>
    /// <param name="key">What decides the contents.</param>
    /// <param name="table">One row an item.</param>
    /// <param name="stored">Rows that were read.</param>
    /// <exception cref="ModelFileException">The file cannot be read or written.</exception>
    public static EncodedStore Open(string folder, string name, string key, Tensor table, out int stored)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        string path = Path.Combine(folder, $"{name}-{hash[..16]}.encoded");
        try
        {
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            var store = new EncodedStore(file, new byte[table.Rows(0, 1).Bytes + SHA256.HashSizeInBytes]);
            stored = store.ReadInto(table);
            return store;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"{path} cannot be used: {e.Message}", e);
        }
    }

    /// <summary>Appends the next item.</summary>
    /// <exception cref="ModelFileException">It cannot be written.</exception>
    public void Append(Tensor row)
    {
        var values = _record.AsSpan(..^SHA256.HashSizeInBytes);
        MemoryMarshal.AsBytes<float>(row.ToArray<float>()).CopyTo(values);
        SHA256.HashData(values, _record.AsSpan(values.Length));
        try
        {
            _file.Write(_record);
            _file.Flush();
        }
        catch (IOException e)
        {
            throw new ModelFileException($"{_file.Name} cannot be written: {e.Message}", e);
        }
    }

    public void Dispose() => _file.Dispose();

    private int ReadInto(Tensor table)
    {
        var values = _record.AsSpan(..^SHA256.HashSizeInBytes);
        int rows = 0;
        while (rows < table.Shape[0] && _file.ReadAtLeast(_record, _record.Length, throwOnEndOfStream: false) == _record.Length)
        {
            if (!SHA256.HashData(values).AsSpan().SequenceEqual(_record.AsSpan(values.Length))) break;
            table.Rows(rows++, 1).CopyFrom<byte>(values);
        }
        _file.SetLength((long)rows * _record.Length);
        _file.Position = _file.Length;
        return rows;
    }
}
