using System.Text;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Runs;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Served;

/// <summary>
/// Reads <c>served.tsv</c>: a line of column names in any order, then tab-separated lines; no quotes, and of escapes <c>\t</c>, <c>\n</c> and <c>\\</c>.
/// </summary>
internal static class ServedTable
{
    /// <returns>The fields of each line that are not empty, by column.</returns>
    /// <exception cref="UserException">The table is malformed; the line is named.</exception>
    public static IEnumerable<(int Line, IReadOnlyDictionary<string, string> Row)> Parse(string file, byte[] bytes)
    {
        string[]? columns = null;
        foreach (var (number, text) in TextLines.Read(file, bytes))
        {
            string[] fields = text.Split('\t');
            if (columns is null)
            {
                columns = fields;
                if (columns.Distinct(StringComparer.Ordinal).Count() != columns.Length)
                    throw new UserException("the header line has a repeated column name", "Name each column once.", file, number);
                ServedRows.CheckNames(columns, file, number);
                continue;
            }
            if (fields.Length != columns.Length)
                throw new UserException(
                    $"the line has {fields.Length} fields, the header has {columns.Length}", "Separate the fields by one tab each.", file, number);
            var row = new Dictionary<string, string>(StringComparer.Ordinal);
            for (int i = 0; i < fields.Length; i++)
            {
                string value = Unescape(fields[i], file, number);
                if (value.Length > 0 || columns[i] == ServedLog.Prompt) row.Add(columns[i], value);
            }
            yield return (number, row);
        }
    }

    private static string Unescape(string field, string file, int number)
    {
        if (!field.Contains('\\')) return field;
        var text = new StringBuilder();
        for (int i = 0; i < field.Length; i++)
        {
            if (field[i] != '\\')
            {
                text.Append(field[i]);
                continue;
            }
            text.Append(++i < field.Length && "tn\\".IndexOf(field[i]) is >= 0 and var which
                ? "\t\n\\"[which]
                : throw new UserException(
                    $"'{PrintableText.Of(field[(i - 1)..], length: 12)}' is no escape",
                    @"Write \\ for a backslash, \t for a tab and \n for a line break.", file, number));
        }
        return text.ToString();
    }
}
