namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>One sheet of a <see cref="SpriteSheetPack"/>.</summary>
internal sealed class PackLayout : IDatasetLayout
{
    public string Name => "a sheet (.webp) of a pack of sprite sheets";

    public string? Sign(DatasetPath set) => set.IsFile && set.HasExtension(".webp")
        ? Path.GetFileName(set.Path)
        : set.HasFile(SpriteSheetPack.IndexName) ? SpriteSheetPack.IndexName : null;

    public CaptionedDataset Load(DatasetPath set, LoadOptions options)
    {
        if (set.IsFolder)
            throw new DatasetException("the folder is a pack of several data sets", "Name one of its sheets, such as its first .webp file.", set.Path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(set.Path))!;
        return SpriteSheetPack.Read(new FolderPackFiles(folder), Path.GetFileNameWithoutExtension(set.Path), options).WithLayout(Name);
    }
}
