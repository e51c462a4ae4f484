using System.Text;

namespace CudaAttribution.Data.Datasets.Layouts;

/// <summary>Records of comma-separated fields as RFC 4180 has them, with quotes, and with either end of line.</summary>
internal sealed class CsvReader
{
    private readonly string file, text;
    private int at, line = 1;

    /// <exception cref="DatasetException">A line is not UTF-8.</exception>
    public CsvReader(string file, byte[] bytes)
    {
        foreach (var _ in TextLines.Read(file, bytes)) { }
        this.file = file;
        text = Encoding.UTF8.GetString(bytes).TrimStart('\uFEFF');
    }

    /// <summary>The records but for empty lines, each with the line that it begins in.</summary>
    /// <exception cref="DatasetException">A quote without its end, or something between it and the next comma.</exception>
    public IEnumerable<(int Line, string[] Fields)> Records()
    {
        while (at < text.Length)
        {
            int begin = line;
            var fields = new List<string> { Field() };
            while (Skip(',')) fields.Add(Field());
            bool ended = Skip('\r') | Skip('\n');
            if (!ended && at < text.Length)
                throw new DatasetException(
                    "a quoted field goes on after its quote", "Double the quotes within a quoted field, and quote it whole.", file, line);
            if (ended) line++;
            if (fields is not [""]) yield return (begin, [.. fields]);
        }
    }

    private bool Skip(char c)
    {
        if (at >= text.Length || text[at] != c) return false;
        at++;
        return true;
    }

    private string Field()
    {
        if (!Skip('"'))
        {
            int length = text.AsSpan(at).IndexOfAny(',', '\r', '\n'), start = at;
            at = length < 0 ? text.Length : at + length;
            return text[start..at];
        }
        int begin = line;
        var field = new StringBuilder();
        while (true)
        {
            int length = text.AsSpan(at).IndexOf('"');
            if (length < 0) throw new DatasetException("a quoted field has no end", "Close the quote.", file, begin);
            line += text.AsSpan(at, length).Count('\n');
            field.Append(text, at, length);
            at += length + 1;
            if (!Skip('"')) return field.ToString();
            field.Append('"');
        }
    }
}
