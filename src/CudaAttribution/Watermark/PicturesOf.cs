using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Watermark;

/// <summary>The pictures of a folder, with captions or without.</summary>
public static class PicturesOf
{
    private static readonly string[] Endings = [".png", ".jpg", ".jpeg", ".webp"];

    /// <summary>All pictures of a folder and those in it, by name in ordinal order; hidden ones are left out.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>Path in the folder, with '/' between folders, and picture; read where its pixels are asked for.</returns>
    /// <exception cref="UserException">There is no such folder, or no picture in it.</exception>
    public static IReadOnlyList<(string Id, IPicture Picture)> Folder(string folder)
    {
        if (!Directory.Exists(folder)) throw new UserException("there is no such folder", "Name a folder with PNG, JPEG or WebP pictures.", folder);
        var options = new EnumerationOptions { RecurseSubdirectories = true };
        (string, IPicture)[] pictures =
        [
            .. Directory.EnumerateFiles(folder, "*", options).Where(f => Endings.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase))
                .Select(f => (Id: Path.GetRelativePath(folder, f).Replace(Path.DirectorySeparatorChar, '/'), File: f))
                .OrderBy(f => f.Id, StringComparer.Ordinal).Select(f => (f.Id, (IPicture)new Unread(f.File))),
        ];
        return pictures.Length > 0 ? pictures : throw new UserException("there is no picture in the folder", "Name a folder with PNG, JPEG or WebP pictures.", folder);
    }

    private sealed class Unread(string file) : IPicture
    {
        public int Width => Read().Width;

        public int Height => Read().Height;

        public RgbImage Read() => PictureFiles.Read(file);
    }
}
