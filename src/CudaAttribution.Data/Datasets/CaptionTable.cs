namespace CudaAttribution.Data.Datasets;

/// <summary>Reads <c>captions.tsv</c>: a header line, then tab-separated lines with as many fields, no quoting.</summary>
internal static class CaptionTable
{
    public const string FileName = "captions.tsv";

    private const string IdColumn = "id", CaptionColumn = "caption";

    /// <exception cref="DatasetException">The table is malformed; file and line are named.</exception>
    public static IReadOnlyList<CaptionRow> Parse(string file, byte[] bytes)
    {
        var captions = new CaptionFile(file);
        string[]? columns = null;
        int id = -1, caption = -1;
        var rows = new List<CaptionRow>();
        foreach ((int number, string text) in captions.Lines(bytes))
        {
            string[] fields = text.Split('\t');
            if (columns is null)
            {
                columns = [.. fields.Select(f => f.Trim())];
                id = Array.IndexOf(columns, IdColumn);
                caption = Array.IndexOf(columns, CaptionColumn);
                if (id < 0 || caption < 0)
                    throw captions.Wrong(
                        number, $"the header line has no column '{(id < 0 ? IdColumn : CaptionColumn)}'",
                        $"Begin the file with a line of column names, tab-separated, among them '{IdColumn}' and '{CaptionColumn}'.");
                if (columns.Contains("") || columns.Distinct(StringComparer.Ordinal).Count() != columns.Length)
                    throw captions.Wrong(number, "the header line has an empty or a repeated column name", "Give each column its own name.");
                continue;
            }
            if (fields.Length != columns.Length)
                throw captions.Wrong(
                    number, $"the line has {fields.Length} fields, the header has {columns.Length}", "Separate the fields by one tab each.");
            var tags = new Dictionary<string, string>(StringComparer.Ordinal);
            for (int i = 0; i < fields.Length; i++)
                if (i != id && i != caption && fields[i].Trim() is { Length: > 0 } value)
                    tags.Add(columns[i], value);
            rows.Add(captions.Row(number, fields[id].Trim(), null, fields[caption], tags));
        }
        if (columns is null || rows.Count == 0)
            throw captions.Wrong(null, "the data set is empty: there is no line with a caption", "Add a line for each picture.");
        return rows;
    }

    /// <summary>The bytes of a table: id, caption and the union of all tags in ordinal order; tags that an item lacks are left empty.</summary>
    public static byte[] Format(IReadOnlyCollection<(string Id, string Caption, IReadOnlyDictionary<string, string> Tags)> rows)
    {
        string[] tags = [.. rows.SelectMany(r => r.Tags.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var text = new System.Text.StringBuilder();
        AppendLine([IdColumn, CaptionColumn, .. tags]);
        foreach ((string id, string caption, IReadOnlyDictionary<string, string> values) in rows)
            AppendLine([id, caption, .. tags.Select(t => CaptionedImage.Normalise(values.GetValueOrDefault(t, "")))]);
        return System.Text.Encoding.UTF8.GetBytes(text.ToString());

        void AppendLine(string[] fields) => text.AppendJoin('\t', fields).Append('\n');
    }
}
