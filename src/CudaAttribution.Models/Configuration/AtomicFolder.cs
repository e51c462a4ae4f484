namespace CudaAttribution.Models.Configuration;

/// <summary>Folders that appear whole or not at all: written under a temporary name beside their place, then renamed.</summary>
internal static class AtomicFolder
{
    private const string TemporaryMark = ".partial-";

    /// <summary>Writes a folder, replacing one that is there.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="write">Fills the empty temporary folder it is given.</param>
    /// <param name="mayReplace">Whether what is at <paramref name="path"/> already may be replaced.</param>
    /// <exception cref="ModelFileException">Something is in the way, or the disk refuses; nothing is left half-written.</exception>
    public static void Write(string path, Action<string> write, Func<string, bool> mayReplace)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string parent = Path.GetDirectoryName(path) ?? throw new ModelFileException($"{path} cannot be written: name a folder below the root");
        string temporary = Path.Combine(parent, $".{Path.GetFileName(path)}{TemporaryMark}{Guid.NewGuid():N}");
        try
        {
            if (File.Exists(path)) throw new ModelFileException($"{path} cannot be written: there is a file of that name; name another folder");
            bool replaces = Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any();
            if (replaces && !mayReplace(path))
            {
                throw new ModelFileException($"{path} cannot be written: the folder has other things in it; name a new one");
            }
            Directory.CreateDirectory(parent);
            Directory.CreateDirectory(temporary);
            write(temporary);
            if (Directory.Exists(path)) Remove(path);
            Directory.Move(temporary, path);
        }
        catch (Exception e)
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
            if (e is IOException or UnauthorizedAccessException) throw new ModelFileException($"{path} cannot be written: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Removes a folder so that it is gone at once: it is renamed before its files are deleted.</summary>
    public static void Remove(string path)
    {
        string doomed = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}{TemporaryMark}{Guid.NewGuid():N}");
        Directory.Move(path, doomed);
        Directory.Delete(doomed, recursive: true);
    }

    /// <summary>Deletes what a killed run left half-written or half-removed in <paramref name="parent"/>.</summary>
    public static void Sweep(string parent)
    {
        foreach (string left in Directory.EnumerateDirectories(parent, $".*{TemporaryMark}*")) Directory.Delete(left, recursive: true);
    }
}
