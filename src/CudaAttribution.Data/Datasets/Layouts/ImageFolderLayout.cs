namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>
/// Hugging Face's image folder: pictures and a metadata file, which names each by <c>file_name</c>, in the folder or in one folder of it such as
/// <c>train/</c>.
/// </summary>
internal sealed class ImageFolderLayout : IDatasetLayout
{
    /// <summary>Metadata as Parquet, which is no set of pictures by itself.</summary>
    public const string ParquetName = "metadata.parquet";

    private static readonly string[] Files = ["metadata.jsonl", "metadata.csv", ParquetName];

    public string Name => "Hugging Face's image folder (metadata.jsonl, metadata.csv or metadata.parquet)";

    public string? Sign(DatasetPath set) => Found(set).FirstOrDefault();

    public CaptionedDataset Load(DatasetPath set, LoadOptions options)
    {
        string[] found = Found(set);
        if (found.Length > 1)
        {
            string[] folders = [.. found.Select(f => Path.GetDirectoryName(f)!).Distinct(StringComparer.Ordinal)];
            throw folders.Length > 1
                ? new DatasetException(
                    $"it has several splits: {OutsideText.List(folders)}", $"Name the folder of one of them, such as {set.Combine(folders[0])}.", set.Path)
                : new DatasetException($"the folder has several metadata files: {string.Join(", ", found)}", "Remove those that are not meant.", set.Path);
        }
        string file = set.Combine(found[0]);
        MetadataRows rows = Path.GetExtension(file) switch
        {
            ".jsonl" => MetadataLines.Read(file, DatasetPath.ReadFile(file)),
            ".csv" => MetadataCsv.Read(file, DatasetPath.ReadFile(file)),
            _ => MetadataParquet.Read(file),
        };
        IReadOnlyList<CaptionRow> read = rows.Rows;
        return FolderRows.Load(set, $"{Name}: {found[0]}, captions in '{rows.CaptionColumn}'", Path.GetDirectoryName(file)!, file, read, options);
    }

    private static string[] Found(DatasetPath set)
    {
        string[] own = [.. Files.Where(set.HasFile)];
        return own.Length > 0
            ? own
            : [.. set.Folders.SelectMany(folder => Files.Where(set.Folder(folder).HasFile).Select(f => $"{folder}/{f}"))];
    }
}
