namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>Pictures and <see cref="CaptionTable"/>, as this program writes sets.</summary>
internal sealed class CaptionTableLayout : IDatasetLayout
{
    public string Name => "captions.tsv with the columns id and caption";

    public string? Sign(DatasetPath set) =>
        set.HasFile(CaptionTable.FileName) && !set.HasFile(SpriteSheetPack.IndexName) ? CaptionTable.FileName : null;

    public CaptionedDataset Load(DatasetPath set, LoadOptions options)
    {
        string table = set.Combine(CaptionTable.FileName);
        return FolderRows.Load(set, Name, set.Path, table, CaptionTable.Parse(table, DatasetPath.ReadFile(table)), options);
    }
}
