using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;

namespace CudaAttribution.Data.Datasets;

/// <summary>
/// A picture of a data set in its file. It takes no memory: each time it is read anew, and checked to be what it was when the set was loaded.
/// </summary>
internal sealed class FilePicture : IPicture
{
    private const string Remedy = "Leave the pictures of a data set as they are while it is used; begin anew with the set as it is now.";

    private readonly string file;
    private readonly LoadOptions options;
    private readonly string hash;

    private FilePicture(string file, LoadOptions options, RgbImage image) =>
        (this.file, this.options, Width, Height, hash) = (file, options, image.Width, image.Height, ImageHash.Of(image));

    public int Width { get; }

    public int Height { get; }

    /// <summary>Reads it for the first time.</summary>
    /// <exception cref="ImageDecodeException">It is not a picture, damaged, or larger than the options allow.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static FilePicture Open(string file, LoadOptions options) => new(file, options, Decode(file, options));

    /// <exception cref="DatasetException">It cannot be read any more, or was changed.</exception>
    public RgbImage Read()
    {
        RgbImage image;
        try
        {
            image = Decode(file, options);
        }
        catch (Exception e) when (e is ImageDecodeException or IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(
                $"the picture was read when the data set was loaded and cannot be read again ({e.Message.TrimEnd('.')})", Remedy, file, null, e);
        }
        return ImageHash.Of(image) == hash ? image : throw new DatasetException("the picture was changed after the data set was loaded", Remedy, file);
    }

    private static RgbImage Decode(string file, LoadOptions options)
    {
        long length = new FileInfo(file).Length;
        if (length > options.MaxFileBytes)
            throw new ImageDecodeException(ImageDecodeError.TooLarge, $"the file has {length} bytes, the limit is {options.MaxFileBytes} bytes");
        RgbImage image = ImageCodecs.Decode(File.ReadAllBytes(file), options.MaxPixels).OverWhite();
        return options.Size is { } size ? image.ToSquare(size, options.Resize) : image;
    }
}
