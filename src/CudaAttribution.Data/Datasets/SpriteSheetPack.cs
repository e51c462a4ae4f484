using System.Globalization;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;

namespace CudaAttribution.Data.Datasets;

/// <summary>
/// Several data sets with the same ids and captions in few files: <c>captions.tsv</c> for all of them (tag <c>index</c> is the place in a
/// sheet), per data set one lossless WebP <c>name.webp</c> of square tiles, row by row from the top left, and <c>pack.json</c> with the
/// tile size, the hash of each sheet's pictures and their origin. A sheet is in memory as long as one of its pictures is used.
/// </summary>
public static class SpriteSheetPack
{
    public const string IndexName = "pack.json";

    private const string IndexTag = "index";

    /// <summary>
    /// Writes a pack into <paramref name="folder"/> (made if needed; other files there are left alone). Each file is written beside its place
    /// and renamed; the index comes last.
    /// </summary>
    /// <param name="folder">Where to.</param>
    /// <param name="columns">Tiles in a row of a sheet.</param>
    /// <param name="sheets">The data sets; all have the same ids, captions and tags and square pictures of one size.</param>
    /// <exception cref="DatasetException">The data sets differ in more than the pictures' bytes, or the folder cannot be written to.</exception>
    public static PackIndex Write(
        string folder,
        int columns,
        IReadOnlyList<(string Name, CaptionedDataset Set, SheetOrigin Origin)> sheets)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        if (sheets.Count == 0) throw new ArgumentException("A pack needs at least one sheet.", nameof(sheets));
        CaptionedImage[] first = Ordered(sheets[0].Set);
        int tile = first[0].Image.Width;
        var files = new List<(string Name, byte[] Bytes)>();
        CheckSize(first.Length, tile, columns);
        foreach ((string name, CaptionedDataset set, _) in sheets)
        {
            CaptionedImage[] items = Ordered(set);
            CheckAlike(name, items, first, tile);
            files.Add((name + ".webp", ImageCodecs.EncodeWebPLossless(Compose(items, tile, columns))));
        }
        files.Add((CaptionTable.FileName, CaptionTable.Format([.. first.Select((item, i) => (item.Id, item.Caption, WithIndex(item.Tags, i)))])));
        var index = new PackIndex(
            PackIndex.FormatName,
            PackIndex.CurrentVersion,
            tile,
            columns,
            first.Length,
            [.. sheets.Select(s => new PackSheet(s.Name, s.Set.Hash, s.Origin))]);
        files.Add((IndexName, index.ToBytes()));
        try
        {
            Directory.CreateDirectory(folder);
            foreach ((string name, byte[] bytes) in files)
            {
                string path = Path.Combine(folder, name);
                File.WriteAllBytes(path + ".tmp", bytes);
                File.Move(path + ".tmp", path, overwrite: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException(
                $"the pack cannot be written ({e.Message.TrimEnd('.')})",
                "Choose a folder that can be written to, on a disk with room.",
                folder,
                null,
                e);
        }
        return index;
    }

    /// <summary>The index of a pack.</summary>
    /// <exception cref="DatasetException">There is none, or it is malformed.</exception>
    public static PackIndex ReadIndex(IPackFiles files) => PackIndex.Parse(files.Describe(IndexName), Required(files, IndexName));

    /// <summary>One data set of a pack, its pictures checked against the index and then resized.</summary>
    /// <param name="files">The pack.</param>
    /// <param name="name">The sheet's name.</param>
    /// <param name="options">Size, limits and codec; a sheet is read whole or not at all, so its pictures are never skipped.</param>
    /// <exception cref="DatasetException">No such sheet, or a file is missing, damaged or not the one that the index describes.</exception>
    public static CaptionedDataset Read(IPackFiles files, string name, LoadOptions? options = null)
    {
        options ??= new LoadOptions();
        PackIndex index = ReadIndex(files);
        PackSheet sheet = index.Sheets.FirstOrDefault(s => s.Name == name)
            ?? throw new DatasetException(
                $"the pack has no sheet '{name}'", $"Name one of: {string.Join(", ", index.Sheets.Select(s => s.Name))}.", files.Describe(IndexName));
        CaptionRow[] rows = ReadRows(files, index);
        RgbImage picture = ReadSheet(files, sheet, index, options);
        var items = new CaptionedImage[index.Count];
        for (int i = 0; i < items.Length; i++)
        {
            var tile = new Tile(picture, i % index.Columns * index.Tile, i / index.Columns * index.Tile, index.Tile);
            items[i] = new CaptionedImage(rows[i].Id, rows[i].Caption, tile, rows[i].Tags);
        }
        string source = files.Describe(sheet.File);
        var set = new CaptionedDataset(source, items);
        if (set.Hash != sheet.Hash)
            throw new DatasetException(
                $"the pictures and captions have the hash {set.Hash}, the index says {sheet.Hash}", "Use the files of one pack, unchanged.", source);
        return options.Size is { } size ? set.Select(i => i.WithImage(i.Image.ToSquare(size, options.Resize))) : set;
    }

    private static CaptionedImage[] Ordered(CaptionedDataset set) => [.. set.Items.OrderBy(i => i.Id, StringComparer.Ordinal)];

    private static void CheckAlike(string name, CaptionedImage[] items, CaptionedImage[] first, int tile)
    {
        const string remedy = "Give all sheets of a pack the same ids, captions and tags.";
        if (RelativePath.Problem(name) is { } problem) throw new DatasetException($"the sheet's name '{name}' {problem}", "Use a plain name.");
        if (items.Length != first.Length)
            throw new DatasetException($"the sheet '{name}' has {items.Length} pictures, the first one has {first.Length}", remedy);
        for (int i = 0; i < items.Length; i++)
        {
            if (items[i].Id != first[i].Id || items[i].Caption != first[i].Caption || !SameTags(items[i].Tags, first[i].Tags))
                throw new DatasetException($"the sheet '{name}' has '{items[i]}' where the first one has '{first[i]}'", remedy);
            IPicture image = items[i].Image;
            if (image.Width != tile || image.Height != tile)
            {
                throw new DatasetException(
                    $"the picture '{items[i].Id}' of the sheet '{name}' has {image.Width} x {image.Height} pixels, not {tile} x {tile}",
                    "Load the data sets with one size.");
            }
        }
    }

    /// <summary>A sheet is one picture, and has to be one that is read.</summary>
    private static void CheckSize(int pictures, int tile, int columns)
    {
        long pixels = (long)columns * tile * RowsOf(pictures, columns) * tile;
        if (pixels > ImageCodecs.MostPixels)
            throw new DatasetException(
                $"a sheet of {pictures} pictures of {tile} x {tile} has {pixels} pixels, the limit is {ImageCodecs.MostPixels}",
                "Pack fewer or smaller pictures.");
    }

    private static long RowsOf(int pictures, int columns) => ((long)pictures + columns - 1) / columns;

    private static bool SameTags(IReadOnlyDictionary<string, string> a, IReadOnlyDictionary<string, string> b) =>
        a.Count == b.Count && a.All(tag => b.TryGetValue(tag.Key, out string? value) && value == tag.Value);

    private static RgbImage Compose(CaptionedImage[] items, int tile, int columns)
    {
        RgbImage sheet = RgbImage.Filled(columns * tile, (int)RowsOf(items.Length, columns) * tile, 255, 255, 255);
        for (int i = 0; i < items.Length; i++) items[i].Image.Read().CopyInto(sheet, i % columns * tile, i / columns * tile);
        return sheet;
    }

    private static Dictionary<string, string> WithIndex(IReadOnlyDictionary<string, string> tags, int index) =>
        new(tags, StringComparer.Ordinal) { [IndexTag] = index.ToString(CultureInfo.InvariantCulture) };

    /// <summary>The captions by place in the sheet, the place no longer among the tags.</summary>
    private static CaptionRow[] ReadRows(IPackFiles files, PackIndex index)
    {
        string file = files.Describe(CaptionTable.FileName);
        const string remedy = "Use the captions that belong to the pack.";
        IReadOnlyList<CaptionRow> rows = CaptionTable.Parse(file, Required(files, CaptionTable.FileName));
        if (rows.Count != index.Count)
            throw new DatasetException($"the file has {rows.Count} captions, the index says {index.Count}", remedy, file);
        var placed = new CaptionRow[index.Count];
        foreach (CaptionRow row in rows)
        {
            if (!row.Tags.TryGetValue(IndexTag, out string? text)
                || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int place)
                || place >= placed.Length
                || placed[place] is not null)
            {
                throw new DatasetException($"the column '{IndexTag}' must hold each number from 0 to {index.Count - 1} once", remedy, file, row.Line);
            }
            placed[place] = row with { Tags = row.Tags.Where(t => t.Key != IndexTag).ToDictionary(StringComparer.Ordinal) };
        }
        return placed;
    }

    private static RgbImage ReadSheet(IPackFiles files, PackSheet sheet, PackIndex index, LoadOptions options)
    {
        string file = files.Describe(sheet.File);
        const string remedy = "Use the file that belongs to the pack.";
        RgbImage picture;
        try
        {
            picture = ImageCodecs.Decode(Required(files, sheet.File), options.MaxPixels).OverWhite();
        }
        catch (ImageDecodeException e)
        {
            throw new DatasetException(e.Message, remedy, file, null, e);
        }
        long width = (long)index.Columns * index.Tile, height = RowsOf(index.Count, index.Columns) * index.Tile;
        if (picture.Width != width || picture.Height != height)
        {
            throw new DatasetException(
                $"the sheet has {picture.Width} x {picture.Height} pixels, the index asks for {width} x {height}",
                remedy,
                file);
        }
        return picture;
    }

    private static byte[] Required(IPackFiles files, string name) =>
        files.Read(name) ?? throw new DatasetException("the file of the pack is missing", "Keep the files of a pack together.", files.Describe(name));

    private sealed class Tile(RgbImage sheet, int x, int y, int side) : IPicture
    {
        public int Width => side;

        public int Height => side;

        public RgbImage Read() => sheet.Crop(x, y, side, side);
    }
}
