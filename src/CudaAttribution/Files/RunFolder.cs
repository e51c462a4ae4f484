using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Images;

namespace CudaAttribution.Files;

/// <summary>
/// A folder that a run writes. Every file appears under its name complete: it is written beside it and renamed, so that a killed
/// run leaves no half-written file.
/// </summary>
public sealed class RunFolder
{
    /// <exception cref="AttributionException">The folder cannot be made or written to.</exception>
    public RunFolder(string path)
    {
        Root = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(Root);
            string probe = System.IO.Path.Combine(Root, $".write-{Environment.ProcessId}");
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AttributionException($"cannot write here ({e.Message.TrimEnd('.')})", "Name a folder that you may write to.", Root, e);
        }
    }

    public string Root { get; }

    public string Path(string name) => System.IO.Path.Combine(Root, name);

    public bool Has(string name) => File.Exists(Path(name));

    public RunFolder Folder(string name) => new(Path(name));

    public void Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    public void WriteJson<T>(string name, T value) => Write(name, Json.Write(value));

    public void WriteImage(string name, RgbImage image) => Write(name, ImageCodecs.EncodePng(image));

    /// <exception cref="AttributionException">The disk is full, or the folder is gone.</exception>
    public void Write(string name, byte[] content)
    {
        string target = Path(name), temporary = $"{target}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
            File.WriteAllBytes(temporary, content);
            File.Move(temporary, target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            throw new AttributionException($"cannot write this file ({e.Message.TrimEnd('.')})", "Make room or name another folder.", target, e);
        }
    }

    /// <summary>SHA-256 of a file, 64 hex digits.</summary>
    public static string HashFile(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Reads a picture that a run wrote.</summary>
    /// <exception cref="AttributionException">Missing or not a picture.</exception>
    public static RgbImage ReadImage(string path)
    {
        try
        {
            return ImageCodecs.Decode(File.ReadAllBytes(path)).OverWhite();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ImageDecodeException)
        {
            throw new AttributionException(
                $"cannot read this picture ({e.Message.TrimEnd('.')})", "Restore the file, or make the folder again.", path, e);
        }
    }
}
