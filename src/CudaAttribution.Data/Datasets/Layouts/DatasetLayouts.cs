namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>The layouts that are read, and the one place that chooses among them.</summary>
internal static class DatasetLayouts
{
    private static readonly IDatasetLayout[] All =
    [
        new CaptionTableLayout(),
        new ImageFolderLayout(),
        new CelebADialogLayout(),
        new ConceptualCaptionsLayout(),
        new CaptionFilesLayout(),
        new WebDatasetLayout(),
        new ParquetLayout(),
        new PackLayout(),
    ];

    private static string Names => string.Join("; ", All.Select(l => l.Name));

    /// <exception cref="DatasetException">Nothing is there, no layout or more than one fits, or the set cannot be read.</exception>
    public static CaptionedDataset Load(string path, LoadOptions options)
    {
        var set = new DatasetPath(path);
        if (!set.Exists) throw new DatasetException("there is no such file or folder", $"Name a data set in one of these layouts: {Names}.", path);
        var fitting = All.Select(l => (Layout: l, Sign: l.Sign(set))).Where(f => f.Sign is not null).ToArray();
        if (fitting.Length == 0)
            throw new DatasetException("it is no data set in a layout that is known", $"Lay it out as one of these: {Names}.", path);
        if (fitting.Length > 1)
            throw new DatasetException(
                $"it fits several layouts: {string.Join(", and ", fitting.Select(f => $"{f.Sign} is of {f.Layout.Name}"))}",
                "Keep the files of one of them, or name the file or folder of one.", path);
        return fitting[0].Layout.Load(set, options);
    }
}
