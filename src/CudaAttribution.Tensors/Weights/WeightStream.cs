using Microsoft.Win32.SafeHandles;

namespace CudaAttribution.Tensors.Weights;

/// <summary>
/// The bytes of a file, read where they are asked for, straight from the system's page cache to their destination. Unlike a memory map this leaves no
/// pages behind that count as the program's memory, and a file that becomes shorter meanwhile gives an exception. Several threads may read at once.
/// </summary>
internal sealed class WeightStream : IDisposable
{
    private readonly SafeFileHandle _file;

    /// <exception cref="IOException">The file cannot be opened.</exception>
    public WeightStream(string path)
    {
        _file = File.OpenHandle(path);
        try
        {
            (Path, Length) = (path, RandomAccess.GetLength(_file));
        }
        catch (Exception e)
        {
            _file.Dispose();
            if (e is NotSupportedException) throw new IOException($"{path} is no file of which any part can be read, but a pipe or a device", e);
            throw;
        }
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They were not inside the file when it was opened.</exception>
    /// <exception cref="WeightFileException">They cannot be read.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_file.IsClosed, this);
        if (offset < 0 || destination.Length > Length || offset > Length - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"{destination.Length} bytes at {offset} are not inside a file of {Length} bytes");
        }
        try
        {
            while (destination.Length > 0)
            {
                int read = RandomAccess.Read(_file, destination, offset);
                if (read == 0) throw new WeightFileException(Path, null, "it has become shorter while it was read");
                destination = destination[read..];
                offset += read;
            }
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not WeightFileException)
        {
            throw new WeightFileException(Path, null, $"it cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A copy of some bytes; else as the other overload.</summary>
    public byte[] Read(long offset, int count)
    {
        byte[] bytes = new byte[count];
        Read(offset, bytes);
        return bytes;
    }

    public void Dispose() => _file.Dispose();
}
