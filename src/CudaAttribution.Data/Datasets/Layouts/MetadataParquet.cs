using CudaAttribution.Data.Datasets.Parquet;

namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>Reads <c>metadata.parquet</c>: its columns of text and whole numbers. A row's line is its number from 1.</summary>
internal static class MetadataParquet
{
    /// <exception cref="DatasetException">The file is damaged, or a row lacks what it needs.</exception>
    public static MetadataRows Read(string path)
    {
        ParquetFile file = ParquetFile.Open(path);
        ParquetColumn[] columns = [.. file.Columns.Where(c => c.Path.Count == 1 && (c.IsText || c.Type is ParquetType.Int32 or ParquetType.Int64))];
        var rows = new MetadataRows(path);
        rows.SetColumns([.. columns.Select(c => c.Name)], null);
        int line = 0;
        for (int group = 0; group < file.Rows.Count; group++)
        {
            string?[][] values = [.. columns.Select(c => file.Texts(group, c).ToArray())];
            for (int row = 0; row < file.Rows[group]; row++)
            {
                rows.Add(++line, Enumerable.Range(0, columns.Length).Where(c => values[c][row] is not null)
                    .ToDictionary(c => columns[c].Name, c => values[c][row]!, StringComparer.Ordinal));
            }
        }
        return rows;
    }
}
