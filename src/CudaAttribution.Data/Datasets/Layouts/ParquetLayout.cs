using System.Globalization;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets.Parquet;

namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>
/// Parquet files with the pictures in them, as Hugging Face has them: a struct <c>image</c> with <c>bytes</c> (or a column <c>image</c> or, by img2dataset,
/// <c>jpg</c> of bytes) and a column of captions; other text and whole numbers are tags. Ids are FILE/ROW. Only the places of the pictures are kept.
/// </summary>
internal sealed class ParquetLayout : IDatasetLayout
{
    private const string Extension = ".parquet";

    private static readonly string[] PictureColumns = ["image.bytes", "image", "jpg"];

    public string Name => "Parquet with pictures (columns image and text, caption or prompt)";

    public string? Sign(DatasetPath set) => Find(set) is [var first, ..] ? Path.GetRelativePath(set.Path, first) : null;

    public CaptionedDataset Load(DatasetPath set, LoadOptions options)
    {
        IReadOnlyList<string> shards = Find(set);
        Shards.RequireOneSplit(set, shards);
        var entries = new List<CaptionedEntry>();
        var warnings = new List<DatasetWarning>();
        string column = "";
        foreach (string shard in shards) column = Read(ParquetFile.Open(shard), entries, warnings);
        return PictureLoader.Load(set.Path, $"{Name}: {shards.Count} files, captions in '{column}'", entries, warnings, options);
    }

    /// <summary>Metadata of an image folder are not pictures, nor is what img2dataset writes beside each of its archives and folders.</summary>
    private static IReadOnlyList<string> Find(DatasetPath set) => Shards.Find(set, Extension, (folder, name) =>
        name != ImageFolderLayout.ParquetName && !folder.HasFile(Path.ChangeExtension(name, ".tar"))
        && !folder.Folders.Contains(Path.GetFileNameWithoutExtension(name)));

    /// <summary>Adds what a file has; its column of captions.</summary>
    private static string Read(ParquetFile file, List<CaptionedEntry> entries, List<DatasetWarning> warnings)
    {
        ParquetColumn[] columns = [.. file.Columns];
        ParquetColumn picture = PictureColumns.SelectMany(name => columns.Where(c => c.Name == name && c.Type == ParquetType.Bytes)).FirstOrDefault()
            ?? throw new DatasetException(
                $"no column image has the bytes of pictures; there are: {OutsideText.List(columns.Select(c => c.Name))}",
                "Write the pictures into a struct image with bytes and path, as the library datasets does.", file.Path);
        string caption = CaptionColumn.Find([.. columns.Where(c => c.IsText).Select(c => c.Name)], file.Path);
        ParquetColumn[] texts = [.. columns.Where(c => c.IsText || c.Type is ParquetType.Int32 or ParquetType.Int64)];
        string stem = Path.GetFileNameWithoutExtension(file.Path);
        int first = 0;
        for (int group = 0; group < file.Rows.Count; group++)
        {
            var pictures = new Pictures(file.Pages(group, picture));
            Dictionary<string, string?[]> values = texts.ToDictionary(c => c.Name, c => file.Texts(group, c).ToArray(), StringComparer.Ordinal);
            for (int page = 0, row = 0; page < pictures.Pages.Count; page++)
            {
                for (int i = 0; i < pictures.Pages.RowsOf(page); i++, row++)
                {
                    string place = string.Create(CultureInfo.InvariantCulture, $"{file.Path}: row {first + row}");
                    string? text = values[caption][row] is { } found ? CaptionedImage.Normalise(found) : null;
                    if (text is not { Length: > 0 })
                    {
                        warnings.Add(new DatasetWarning(place, "the picture has no caption and is not used"));
                        continue;
                    }
                    var tags = values.Where(v => v.Key != caption && v.Value[row] is { Length: > 0 })
                        .ToDictionary(v => v.Key, v => v.Value[row]!, StringComparer.Ordinal);
                    string id = string.Create(CultureInfo.InvariantCulture, $"{stem}/{first + row:00000000}");
                    if (RelativePath.Problem(id) is { } problem)
                        throw new DatasetException($"the file's name {problem}", "Give it a plain name.", file.Path);
                    entries.Add(new CaptionedEntry(id, text, tags, new ParquetBytes(pictures, page, i, place), "", file.Path));
                }
            }
            first += file.Rows[group];
        }
        return caption;
    }

    /// <summary>
    /// The pictures of a row group. A page has some of them, so a thread keeps the last one that it unpacked, unless it is so large that threads together
    /// would hold much.
    /// </summary>
    private sealed class Pictures(ParquetPages pages)
    {
        private const long MostKept = 16 << 20;

        [ThreadStatic]
        private static (ParquetPages Pages, int Page, ReadOnlyMemory<byte>?[] Rows)? last;

        public ParquetPages Pages => pages;

        public ReadOnlyMemory<byte>?[] Read(int page)
        {
            if (last is { } kept && kept.Pages == pages && kept.Page == page) return kept.Rows;
            ReadOnlyMemory<byte>?[] rows = pages.Bytes(page);
            last = rows.Sum(r => (long)(r?.Length ?? 0)) <= MostKept ? (pages, page, rows) : null;
            return rows;
        }
    }

    private sealed class ParquetBytes(Pictures pictures, int page, int row, string place) : PictureBytes
    {
        public override string Place => place;

        public override byte[] Read(long mostBytes)
        {
            ReadOnlyMemory<byte>?[] rows;
            try
            {
                rows = pictures.Read(page);
            }
            catch (InvalidDataException e)
            {
                throw new ImageDecodeException(ImageDecodeError.Damaged, e.Message, e);
            }
            if (rows[row] is not { } bytes) throw new ImageDecodeException(ImageDecodeError.NotAnImage, "the row has no picture");
            CheckLength(bytes.Length, mostBytes);
            return bytes.ToArray();
        }
    }
}
