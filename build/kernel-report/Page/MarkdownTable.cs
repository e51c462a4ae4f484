namespace CudaAttribution.KernelReport.Page;

/// <summary>A table of a markdown page, found by the heading above it.</summary>
/// <param name="Columns">Names of its first line.</param>
/// <param name="Rows">Cells of the lines below the rule.</param>
public sealed record MarkdownTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>The first table after a heading.</summary>
    /// <exception cref="InvalidDataException">There is no such heading, no table, or a row that has other columns.</exception>
    public static MarkdownTable After(string heading, string page)
    {
        string[] lines = page.Split('\n');
        int at = Array.IndexOf(lines, heading);
        if (at < 0) throw new InvalidDataException($"the page has no heading '{heading}'");
        int first = Array.FindIndex(lines, at, l => l.StartsWith('|'));
        if (first < 0 || Array.FindIndex(lines, at + 1, l => l.StartsWith('#')) is var next and >= 0 && next < first)
        {
            throw new InvalidDataException($"the page has no table below '{heading}'");
        }
        var cells = lines.Skip(first).TakeWhile(l => l.StartsWith('|')).Select(Cells).ToArray();
        int wrong = Array.FindIndex(cells, c => c.Count != cells[0].Count);
        if (wrong >= 0) throw new InvalidDataException($"line {first + wrong + 1} of the page: {cells[wrong].Count} cells below {cells[0].Count} columns");
        return new MarkdownTable(cells[0], [.. cells.Skip(2)]);
    }

    /// <summary>Lines of a table.</summary>
    public IEnumerable<string> Lines() =>
        [Line(Columns), Line(Columns.Select((_, column) => column == 0 ? "---" : "--:")), .. Rows.Select(Line)];

    /// <summary>The cell of a row in the column of a name.</summary>
    /// <exception cref="InvalidDataException">There is no such column.</exception>
    public string Cell(IReadOnlyList<string> row, string column)
    {
        for (int i = 0; i < Columns.Count; i++)
        {
            if (Columns[i] == column) return row[i];
        }
        throw new InvalidDataException($"the table has no column '{column}'");
    }

    private static IReadOnlyList<string> Cells(string line) => [.. line.Trim().Trim('|').Split('|').Select(c => c.Trim())];

    private static string Line(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";
}
