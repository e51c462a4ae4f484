using System.Globalization;

namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>
/// Labels as CelebA and its relatives publish them: a number of pictures (it may lack), a line of names, then a line for each picture, its name and a number
/// for each label, between blanks.
/// </summary>
internal static class LabelFiles
{
    /// <summary>Labels by the picture's name without extension. Those that several files have get the file's name before theirs.</summary>
    /// <exception cref="DatasetException">A line does not fit.</exception>
    public static Dictionary<string, Dictionary<string, string>> Read(IReadOnlyCollection<string> files)
    {
        var tables = files.Where(f => DatasetPath.HasExtension(f, ".txt")).Select(f => (File: f, Table: ReadTable(f))).ToArray();
        var shared = tables.SelectMany(t => t.Table.Names.Distinct(StringComparer.Ordinal)).CountBy(n => n).Where(n => n.Value > 1)
            .Select(n => n.Key).ToHashSet();
        var labels = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        foreach ((string file, (string[] names, List<string[]> rows)) in tables)
        {
            string stem = Path.GetFileNameWithoutExtension(file);
            string[] tags = [.. names.Select(n => shared.Contains(n) ? $"{stem}.{n}" : n)];
            foreach (string[] row in rows)
            {
                string id = row[0][..^Path.GetExtension(row[0]).Length];
                if (!labels.TryGetValue(id, out var known)) labels.Add(id, known = new Dictionary<string, string>(StringComparer.Ordinal));
                for (int i = 0; i < tags.Length; i++) known[tags[i]] = row[i + 1];
            }
        }
        return labels;
    }

    private static (string[] Names, List<string[]> Rows) ReadTable(string file)
    {
        string[]? names = null;
        var rows = new List<string[]>();
        bool first = true;
        foreach ((int number, string text) in TextLines.Read(file, DatasetPath.ReadFile(file)))
        {
            string[] fields = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            bool count = first && fields.Length == 1 && IsNumber(fields[0]);
            first = false;
            if (count) continue;
            if (names is null)
            {
                if (fields.Any(IsNumber))
                    throw new DatasetException(
                        "the labels have no line of names",
                        "Put the names of the labels into a line before those of the pictures, or remove the file.", file, number);
                names = fields;
                continue;
            }
            if (fields.Length != names.Length + 1 || !fields.Skip(1).All(IsNumber))
                throw new DatasetException(
                    $"the line is not a picture's name and {names.Length} numbers", "Write a number for each label, or remove the file.", file, number);
            rows.Add(fields);
        }
        return (names ?? [], rows);
    }

    private static bool IsNumber(string text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
}
