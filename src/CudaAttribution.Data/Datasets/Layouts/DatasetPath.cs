namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>
/// The path that a data set is named by: a folder, a file, or the common beginning of numbered shards, as <c>data/train</c> for
/// <c>data/train-00000-of-00002.parquet</c>. Looks two levels deep, so that a wrong path costs little.
/// </summary>
internal sealed class DatasetPath
{
    private readonly Lazy<string[]> files, folders;

    public DatasetPath(string path)
    {
        Path = path;
        IsFolder = Directory.Exists(path);
        IsFile = !IsFolder && File.Exists(path);
        files = new(() => IsFolder ? Entries(path, Directory.EnumerateFiles) : []);
        folders = new(() => IsFolder ? Entries(path, Directory.EnumerateDirectories) : []);
    }

    public string Path { get; }

    public bool IsFolder { get; }

    public bool IsFile { get; }

    public bool Exists => IsFolder || IsFile || Shards.Beginning(Path).Count > 0;

    /// <summary>Names of the folder's own files that are not hidden, in ordinal order.</summary>
    public IReadOnlyList<string> Files => files.Value;

    /// <summary>Names of its folders that are not hidden, in ordinal order.</summary>
    public IReadOnlyList<string> Folders => folders.Value;

    public string Combine(string name) => System.IO.Path.Combine(Path, name);

    public bool HasFile(string name) => IsFolder && File.Exists(Combine(name));

    public DatasetPath Folder(string name) => new(Combine(name));

    public bool HasExtension(string extension) => HasExtension(Path, extension);

    public static bool HasExtension(string file, string extension) =>
        System.IO.Path.GetExtension(file).Equals(extension, StringComparison.OrdinalIgnoreCase);

    /// <exception cref="DatasetException">It cannot be read.</exception>
    public static byte[] ReadFile(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotBeRead(file, e);
        }
    }

    public static DatasetException CannotBeRead(string file, Exception e) =>
        new($"the file cannot be read ({e.Message.TrimEnd('.')})", "Check that it is there, whole, and may be read.", file, null, e);

    private static string[] Entries(string path, Func<string, IEnumerable<string>> list)
    {
        try
        {
            return [.. list(path).Select(e => System.IO.Path.GetFileName(e)).Where(n => n[0] != '.').Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotBeRead(path, e);
        }
    }
}
