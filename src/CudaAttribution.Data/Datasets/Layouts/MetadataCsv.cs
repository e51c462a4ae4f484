namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>Reads <c>metadata.csv</c>: a line of column names, then a record for each picture.</summary>
internal static class MetadataCsv
{
    /// <exception cref="DatasetException">The file is malformed; file and line are named.</exception>
    public static MetadataRows Read(string file, byte[] bytes)
    {
        var rows = new MetadataRows(file);
        string[]? columns = null;
        foreach ((int line, string[] fields) in new CsvReader(file, bytes).Records())
        {
            if (columns is null)
            {
                columns = [.. fields.Select(f => f.Trim())];
                if (columns.Contains("") || columns.Distinct(StringComparer.Ordinal).Count() != columns.Length)
                    throw new DatasetException("the header line has an empty or a repeated column name", "Give each column its own name.", file, line);
                rows.SetColumns(columns, line);
                continue;
            }
            if (fields.Length != columns.Length)
                throw new DatasetException(
                    $"the record has {fields.Length} fields, the header has {columns.Length}",
                    "Separate fields by one comma each, and quote those that hold a comma, a quote or a line break.", file, line);
            rows.Add(line, columns.Zip(fields).ToDictionary(f => f.First, f => f.Second.Trim(), StringComparer.Ordinal));
        }
        return rows;
    }
}
