namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>The rows of an image folder's metadata, of whatever file format: the column file_name, a column of captions, all others tags.</summary>
internal sealed class MetadataRows(string file)
{
    public const string NameColumn = "file_name";

    private readonly CaptionFile captions = new(file);
    private readonly List<CaptionRow> rows = [];

    /// <summary>The column of captions; known once <see cref="SetColumns"/> was called.</summary>
    public string CaptionColumn { get; private set; } = "";

    public bool HasColumns => CaptionColumn.Length > 0;

    /// <summary>The rows, at least one.</summary>
    /// <exception cref="DatasetException">There is none.</exception>
    public IReadOnlyList<CaptionRow> Rows =>
        rows.Count > 0 ? rows : throw captions.Wrong(null, "the data set is empty: there is no line", "Add a line for each picture.");

    /// <exception cref="DatasetException">There is no file_name, or not one column of captions.</exception>
    public void SetColumns(IReadOnlyCollection<string> columns, int? line)
    {
        if (!columns.Contains(NameColumn))
            throw captions.Wrong(
                line, $"there is no column '{NameColumn}'; there are: {OutsideText.List(columns)}", $"Add '{NameColumn}': each picture's path in the folder.");
        CaptionColumn = Layouts.CaptionColumn.Find(columns, file, line);
    }

    /// <param name="line">The line, from 1.</param>
    /// <param name="fields">What it states; empty values are left out.</param>
    public void Add(int line, IReadOnlyDictionary<string, string> fields)
    {
        string name = Required(NameColumn), caption = Required(CaptionColumn);
        var tags = fields.Where(f => f.Key != NameColumn && f.Key != CaptionColumn && f.Value.Length > 0).ToDictionary(StringComparer.Ordinal);
        rows.Add(captions.Row(line, name[..^Path.GetExtension(name).Length], name, caption, tags));

        string Required(string column) => fields.GetValueOrDefault(column) ?? throw captions.Wrong(
            line, $"the line has no text property '{column}'", $"Write {{\"{NameColumn}\": \"picture.png\", \"{CaptionColumn}\": \"its caption\"}}.");
    }
}
