using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Data.Codecs;

/// <summary>Pictures in the folder of a run, as PNG.</summary>
public static class PictureFiles
{
    /// <summary>Writes a picture, whole or not at all.</summary>
    public static void WriteImage(this RunFolder folder, string name, RgbImage image) => folder.Write(name, ImageCodecs.EncodePng(image));

    /// <summary>Reads a picture that a run wrote.</summary>
    /// <exception cref="UserException">Missing or not a picture.</exception>
    public static RgbImage Read(string path)
    {
        try
        {
            return ImageCodecs.Decode(File.ReadAllBytes(path)).OverWhite();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ImageDecodeException)
        {
            throw new UserException(
                $"cannot read this picture ({e.Message.TrimEnd('.')})", "Restore the file, or make the folder again.", path, e);
        }
    }

    /// <summary>Reads a picture whose pixels are known.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sha256">Its <see cref="ImageHash"/>.</param>
    /// <param name="remedy">What to do where it is another picture.</param>
    /// <exception cref="UserException">Missing, not a picture, or changed.</exception>
    public static RgbImage Read(string path, string sha256, string remedy)
    {
        var image = Read(path);
        return ImageHash.Of(image) == sha256 ? image : throw new UserException("the picture was changed after it was kept", remedy, path);
    }
}
