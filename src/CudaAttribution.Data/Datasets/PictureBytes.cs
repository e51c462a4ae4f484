using CudaAttribution.Data.Codecs;

namespace CudaAttribution.Data.Datasets;

/// <summary>Where the bytes of one picture file lie. Holds none of them; may be read from several threads at once.</summary>
internal abstract class PictureBytes
{
    /// <summary>The file, and the place in it where it holds several, for messages.</summary>
    public abstract string Place { get; }

    /// <summary>The bytes as they are now.</summary>
    /// <exception cref="ImageDecodeException">There are more than <paramref name="mostBytes"/>, or the file around them is damaged.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public abstract byte[] Read(long mostBytes);

    /// <summary>Refuses a length before anything of it is allocated.</summary>
    protected static void CheckLength(long length, long mostBytes)
    {
        if (length > mostBytes)
            throw new ImageDecodeException(ImageDecodeError.TooLarge, $"the file has {length} bytes, the limit is {mostBytes} bytes");
    }
}

/// <summary>A picture in a file of its own.</summary>
internal sealed class FileBytes(string file) : PictureBytes
{
    public override string Place => file;

    public override byte[] Read(long mostBytes)
    {
        CheckLength(new FileInfo(file).Length, mostBytes);
        return File.ReadAllBytes(file);
    }
}
