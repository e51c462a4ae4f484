using CudaAttribution.Data.Codecs;

namespace CudaAttribution.Data.Datasets;

/// <summary>
/// Loads a folder of pictures with its file of captions: each picture is read once, to know that it can be and what it is, and none is kept.
/// </summary>
internal static class FolderLoader
{
    public static CaptionedDataset Load(string folder, LoadOptions options)
    {
        IReadOnlyList<CaptionRow> rows = ReadCaptions(folder, out string captionFile);
        var images = new ImageFolder(folder);
        CaptionRow[] ordered = [.. rows.OrderBy(r => r.Id, StringComparer.Ordinal)];
        var files = new string?[ordered.Length];
        for (int i = 0; i < ordered.Length; i++) files[i] = FindFile(ordered[i], images, captionFile);

        var loaded = new FilePicture?[ordered.Length];
        var failures = new Exception?[ordered.Length];
        Parallel.For(0, ordered.Length, i =>
        {
            if (files[i] is not { } file) return;
            try
            {
                loaded[i] = FilePicture.Open(file, options);
            }
            catch (Exception e) when (e is ImageDecodeException or IOException or UnauthorizedAccessException)
            {
                failures[i] = e;
            }
        });

        var items = new List<CaptionedImage>(ordered.Length);
        var skipped = new List<SkippedImage>();
        for (int i = 0; i < ordered.Length; i++)
        {
            CaptionRow row = ordered[i];
            if (loaded[i] is { } image)
            {
                items.Add(new CaptionedImage(row.Id, row.Caption, image, row.Tags));
                continue;
            }
            string wanted = row.FileName ?? row.Id + ".png (.jpg, .jpeg, .webp)";
            string reason = failures[i] is { } failure
                ? failure.Message.TrimEnd('.')
                : $"the caption '{row.Id}' has no picture: there is no {wanted}";
            string place = files[i] ?? captionFile;
            if (options.OnBadImage == BadImagePolicy.Fail)
                throw new DatasetException(
                    reason, $"{(files[i] is null ? "Add the picture or remove the line" : "Replace or remove the picture")}, or skip bad pictures.",
                    place, files[i] is null ? row.Line : null, failures[i])
                {
                    Setting = "on-bad-image",
                };
            skipped.Add(new SkippedImage(row.Id, place, reason));
        }

        var used = files.OfType<string>().ToHashSet(StringComparer.Ordinal);
        DatasetWarning[] warnings = [.. images.Names.Select(images.FullPath).Where(f => !used.Contains(f))
            .Select(f => new DatasetWarning(f, $"the picture has no caption in {Path.GetFileName(captionFile)} and is not used"))];
        return new CaptionedDataset(folder, items, skipped, warnings);
    }

    private static IReadOnlyList<CaptionRow> ReadCaptions(string folder, out string captionFile)
    {
        string table = Path.Combine(folder, CaptionTable.FileName), lines = Path.Combine(folder, MetadataLines.FileName);
        if (File.Exists(Path.Combine(folder, SpriteSheetPack.IndexName)))
            throw new DatasetException("the folder is a pack of several data sets", "Name one of its sheets, such as its first .webp file.", folder);
        bool hasTable = File.Exists(table), hasLines = File.Exists(lines);
        if (hasTable && hasLines)
            throw new DatasetException(
                $"the folder has both {CaptionTable.FileName} and {MetadataLines.FileName}", "Remove the one that is not meant.", folder);
        if (!hasTable && !hasLines)
            throw new DatasetException(
                $"the folder has neither {CaptionTable.FileName} nor {MetadataLines.FileName}",
                $"Add {CaptionTable.FileName} with the columns id and caption, tab-separated.", folder);
        captionFile = hasTable ? table : lines;
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(captionFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"the file cannot be read ({e.Message.TrimEnd('.')})", "Check its permissions.", captionFile, null, e);
        }
        return hasTable ? CaptionTable.Parse(captionFile, bytes) : MetadataLines.Parse(captionFile, bytes);
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
