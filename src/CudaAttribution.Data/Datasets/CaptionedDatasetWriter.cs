using CudaAttribution.Data.Codecs;

namespace CudaAttribution.Data.Datasets;

/// <summary>
/// Writes a data set as a folder of PNG files and <c>captions.tsv</c>. Everything goes to a temporary folder beside the target, which
/// <see cref="Complete"/> renames: the target is there whole or not at all. Without Complete, <see cref="Dispose"/> removes what was written; what a
/// killed writer left, the next one for the same target removes with its Complete.
/// </summary>
public sealed class CaptionedDatasetWriter : IDisposable
{
    private const string TemporarySuffix = ".tmp";

    private const string Remedy = "Choose a folder that can be written to, on a disk with room.";

    private readonly string target;
    private readonly string temporary;
    private readonly Dictionary<string, (string Id, string Caption, IReadOnlyDictionary<string, string> Tags)> rows = new(StringComparer.Ordinal);

    /// <param name="folder">The folder to make: it must not exist, or be empty.</param>
    /// <exception cref="DatasetException">The folder is not empty, or its parent cannot be written to.</exception>
    public CaptionedDatasetWriter(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        temporary = Path.Combine(Parent, $"{TemporaryPrefix}{Guid.NewGuid():N}{TemporarySuffix}");
        Guarded(() =>
        {
            if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
            {
                throw new DatasetException(
                    "the output exists already and is not an empty folder",
                    "Choose another folder or remove this one.",
                    target);
            }
            Directory.CreateDirectory(temporary);
        });
    }

    /// <summary>Writes one picture.</summary>
    /// <exception cref="DatasetException">The id was used before, or the disk refuses.</exception>
    public void Add(CaptionedImage item)
    {
        ArgumentNullException.ThrowIfNull(item);
        if (!rows.TryAdd(item.Id, (item.Id, item.Caption, item.Tags)))
            throw new DatasetException($"the id '{item.Id}' occurs twice", "Give each picture its own id.", target);
        byte[] png = ImageCodecs.EncodePng(item.Image.Read());
        Guarded(() =>
        {
            string file = Path.Combine(temporary, item.Id + ".png");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, png);
        });
    }

    /// <summary>Writes the captions, in ordinal order of ids, and gives the folder its name.</summary>
    /// <exception cref="DatasetException">No picture was added, or the disk refuses.</exception>
    public void Complete()
    {
        if (rows.Count == 0) throw new DatasetException("the data set is empty", "Add at least one picture before completing it.", target);
        byte[] table = CaptionTable.Format([.. rows.Values.OrderBy(r => r.Id, StringComparer.Ordinal)]);
        Guarded(() =>
        {
            File.WriteAllBytes(Path.Combine(temporary, CaptionTable.FileName), table);
            if (Directory.Exists(target)) Directory.Delete(target);
            Directory.Move(temporary, target);
            foreach (string left in Directory.GetDirectories(Parent).Where(IsTemporary)) Directory.Delete(left, recursive: true);
        });
    }

    public void Dispose()
    {
        if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
    }

    /// <summary>Writes all pictures of a set to a new folder.</summary>
    public static void Write(string folder, IEnumerable<CaptionedImage> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        using var writer = new CaptionedDatasetWriter(folder);
        foreach (CaptionedImage item in items) writer.Add(item);
        writer.Complete();
    }

    private string Parent => Path.GetDirectoryName(target) ?? target;

    private string TemporaryPrefix => $".{Path.GetFileName(target)}.";

    private bool IsTemporary(string path)
    {
        string name = Path.GetFileName(path);
        return name.StartsWith(TemporaryPrefix, StringComparison.Ordinal) && name.EndsWith(TemporarySuffix, StringComparison.Ordinal)
            && Guid.TryParseExact(name.AsSpan(TemporaryPrefix.Length..^TemporarySuffix.Length), "N", out _);
    }

    private void Guarded(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"the data set cannot be written ({e.Message.TrimEnd('.')})", Remedy, target, null, e);
        }
    }
}
