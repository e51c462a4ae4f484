using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;

namespace CudaAttribution.Data.Datasets;

/// <summary>
/// A picture of a data set where it lies. It takes no memory: each time it is read anew, and checked to be what it was when the set was loaded.
/// </summary>
internal sealed class StoredPicture : IPicture
{
    private const string Remedy = "Leave the pictures of a data set as they are while it is used; begin anew with the set as it is now.";

    private readonly PictureBytes bytes;
    private readonly LoadOptions options;
    private readonly string hash;

    private StoredPicture(PictureBytes bytes, LoadOptions options, RgbImage image) =>
        (this.bytes, this.options, Width, Height, hash) = (bytes, options, image.Width, image.Height, ImageHash.Of(image));

    public int Width { get; }

    public int Height { get; }

    /// <summary>Reads it for the first time.</summary>
    /// <exception cref="ImageDecodeException">It is not a picture, damaged, or larger than the options allow.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static StoredPicture Open(PictureBytes bytes, LoadOptions options) => new(bytes, options, Decode(bytes, options));

    /// <exception cref="DatasetException">It cannot be read any more, or was changed.</exception>
    public RgbImage Read()
    {
        RgbImage image;
        try
        {
            image = Decode(bytes, options);
        }
        catch (Exception e) when (e is ImageDecodeException or IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(
                $"the picture was read when the data set was loaded and cannot be read again ({e.Message.TrimEnd('.')})", Remedy, bytes.Place, null, e);
        }
        return ImageHash.Of(image) == hash
            ? image
            : throw new DatasetException("the picture was changed after the data set was loaded", Remedy, bytes.Place);
    }

    private static RgbImage Decode(PictureBytes bytes, LoadOptions options)
    {
        RgbImage image = ImageCodecs.Decode(bytes.Read(options.MaxFileBytes), options.MaxPixels).OverWhite();
        return options.Size is { } size ? image.ToSquare(size, options.Resize) : image;
    }
}
