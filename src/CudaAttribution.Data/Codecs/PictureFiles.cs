using CudaAttribution.Data.Images;
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
}
