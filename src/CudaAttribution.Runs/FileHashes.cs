namespace CudaAttribution.Runs;

/// <summary>SHA-256 of the files of a folder.</summary>
public static class FileHashes
{
    /// <summary>By relative path with slashes, in ordinal order; locks are left out.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="include">Which files, by relative path; null is all.</param>
    public static SortedDictionary<string, string> Of(string folder, Func<string, bool>? include = null)
    {
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/');
            if (!Claim.IsLock(name) && include?.Invoke(name) != false) hashes[name] = RunFolder.HashFile(file);
        }
        return hashes;
    }
}
