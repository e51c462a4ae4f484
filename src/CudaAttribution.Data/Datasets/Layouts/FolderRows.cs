namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>A file of captions whose pictures lie in a folder.</summary>
internal static class FolderRows
{
    /// <param name="set">The data set.</param>
    /// <param name="layout">What it is read as.</param>
    /// <param name="folder">Folder that file names and ids start from.</param>
    /// <param name="captionFile">The file of captions.</param>
    /// <param name="rows">What it states.</param>
    /// <param name="options">How pictures are read.</param>
    public static CaptionedDataset Load(
        DatasetPath set, string layout, string folder, string captionFile, IReadOnlyList<CaptionRow> rows, LoadOptions options)
    {
        var images = new ImageFolder(folder);
        var used = new HashSet<string>(StringComparer.Ordinal);
        var entries = new List<CaptionedEntry>(rows.Count);
        foreach (CaptionRow row in rows)
        {
            string? file = FindFile(row, images, captionFile);
            if (file is not null) used.Add(file);
            entries.Add(new CaptionedEntry(
                row.Id, row.Caption, row.Tags, file is null ? null : new FileBytes(file), row.FileName ?? row.Id + ".png (.jpg, .jpeg, .webp)",
                captionFile, row.Line));
        }
        DatasetWarning[] warnings = [.. images.Names.Select(images.FullPath).Where(f => !used.Contains(f))
            .Select(f => new DatasetWarning(f, $"the picture has no caption in {Path.GetFileName(captionFile)} and is not used"))];
        return PictureLoader.Load(set.Path, layout, entries, warnings, options);
    }

    /// <summary>The row's picture file, or null where there is none.</summary>
    private static string? FindFile(CaptionRow row, ImageFolder images, string captionFile)
    {
        if (row.FileName is { } name)
        {
            if (images.Contains(name)) return images.FullPath(name);
            // A name that is no picture's is still tried, so that it is reported as what it is.
            return File.Exists(images.FullPath(name)) ? images.FullPath(name) : null;
        }
        IReadOnlyList<string> names = images.NamesOf(row.Id);
        if (names.Count > 1)
            throw new DatasetException(
                $"the id '{row.Id}' has several pictures: {string.Join(", ", names.Order(StringComparer.Ordinal))}", "Keep one of them.",
                captionFile, row.Line);
        return names.Count == 0 ? null : images.FullPath(names[0]);
    }
}
