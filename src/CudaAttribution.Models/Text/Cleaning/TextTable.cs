using System.Globalization;
using System.Text;

namespace CudaAttribution.Models.Text.Cleaning;

/// <summary>The embedded tables of <c>Text/Tables</c>; <c>build/oracle/make_text_tables.py</c> makes them and says what a line means.</summary>
internal static class TextTable
{
    /// <summary>The lines of a table, split at spaces.</summary>
    public static IEnumerable<string[]> Lines(string name)
    {
        using var stream = typeof(TextTable).Assembly.GetManifestResourceStream($"Text.{name}")
            ?? throw new InvalidOperationException($"the program was built without the table {name}; build it from its complete source");
        using var reader = new StreamReader(stream, Encoding.ASCII);
        while (reader.ReadLine() is { } line) yield return line.Split(' ');
    }

    public static int CodePoint(string hex) => int.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>The text of several code points.</summary>
    public static string Text(ReadOnlySpan<string> hex)
    {
        var text = new StringBuilder();
        foreach (string codePoint in hex) text.Append(new Rune(CodePoint(codePoint)).ToString());
        return text.ToString();
    }
}
