using System.IO.Enumeration;

namespace CudaAttribution.Data.Datasets;

/// <summary>
/// The picture files of a folder and its sub-folders, by relative path with '/' between parts. Hidden files and folders behind links are left out;
/// links to picture files are followed, as download caches use them.
/// </summary>
internal sealed class ImageFolder
{
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".webp"];

    private readonly Dictionary<string, List<string>> namesById = new(StringComparer.Ordinal);
    private readonly SortedSet<string> names = new(StringComparer.Ordinal);

    public ImageFolder(string folder)
    {
        Root = folder;
        var entries = new FileSystemEnumerable<string>(
            folder, (ref FileSystemEntry e) => Path.GetRelativePath(folder, e.ToFullPath()), new EnumerationOptions { RecurseSubdirectories = true })
        {
            ShouldIncludePredicate = (ref FileSystemEntry e) => !e.IsDirectory && HasImageExtension(e.FileName.ToString()),
            ShouldRecursePredicate = (ref FileSystemEntry e) => !e.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
        foreach (string path in entries)
        {
            string name = path.Replace(Path.DirectorySeparatorChar, '/'), id = name[..^Path.GetExtension(name).Length];
            names.Add(name);
            if (!namesById.TryGetValue(id, out List<string>? same)) namesById.Add(id, same = []);
            same.Add(name);
        }
    }

    public string Root { get; }

    /// <summary>All picture files, in ordinal order.</summary>
    public IReadOnlyCollection<string> Names => names;

    public bool Contains(string name) => names.Contains(name);

    /// <summary>The picture files that are called <paramref name="id"/> but for the extension.</summary>
    public IReadOnlyList<string> NamesOf(string id) => namesById.GetValueOrDefault(id) ?? [];

    public string FullPath(string name) => Path.Combine(Root, name);

    public static bool HasImageExtension(string name) =>
        Extensions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);
}
