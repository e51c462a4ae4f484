using System.Globalization;
using System.Text;

namespace CudaAttribution.Models.Text.Cleaning;

/// <summary>Replaces HTML character references by what they stand for, in two ways that differ in what they take for one.</summary>
internal static class HtmlReferences
{
    /// <summary>What the bytes 0x80 to 0x9F are in Windows-1252; the five that it leaves open stand for themselves.</summary>
    public const string Windows1252 =
        "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f"
        + "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

    private const int LongestName = 32, LongestStrictName = 24;

    private static readonly Lazy<Tables> Names = new(Read);

    /// <summary>Reads a reference at the start of a text: its length and what it stands for, or null if there is none.</summary>
    private delegate int? Reader(ReadOnlySpan<char> text, out string value);

    /// <summary>
    /// As the HTML standard reads text (Python's <c>html.unescape</c>): numbers in decimal and hexadecimal, with a semicolon or without; names with
    /// one, and the old names without one even in front of other letters (<c>&amp;notit;</c> is ¬it;).
    /// </summary>
    public static string Unescape(string text) => Replace(text, ReadLoosely);

    /// <summary>
    /// As ftfy reads text that need not be HTML: only what ends in a semicolon, and names in capitals where these are no names of their own
    /// (<c>&amp;NTILDE;</c> is Ñ).
    /// </summary>
    public static string UnescapeStrictly(string text) => Replace(text, ReadStrictly);

    private static string Replace(string text, Reader read)
    {
        int at = text.IndexOf('&');
        if (at < 0) return text;
        var result = new StringBuilder(text.Length).Append(text, 0, at);
        while (at < text.Length)
        {
            var rest = text.AsSpan(at);
            if (read(rest, out string value) is { } length)
            {
                result.Append(value);
            }
            else
            {
                int next = rest[1..].IndexOf('&');
                length = next < 0 ? rest.Length : next + 1;
                result.Append(rest[..length]);
            }
            at += length;
        }
        return result.ToString();
    }

    private static int? ReadLoosely(ReadOnlySpan<char> text, out string value)
    {
        value = "";
        return text[0] == '&' ? Number(text, out value) ?? Name(text, out value) : null;
    }

    private static int? ReadStrictly(ReadOnlySpan<char> text, out string value)
    {
        value = "";
        if (text[0] != '&') return null;
        int start = text.Length > 1 && text[1] == '#' ? 2 : 1, end = start;
        while (end < text.Length && end - start < LongestStrictName && char.IsAsciiLetterOrDigit(text[end])) end++;
        if (end == start || end == text.Length || text[end++] != ';') return null;
        // A number that is read in part only (&#12ab;), or as a semicolon, stays.
        if (start == 2) return Number(text[..end], out value) == end && value != ";" ? end : null;
        var tables = Names.Value;
        if (!tables.Standard.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text[1..end], out string? found)
            && !tables.Capitals.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text[1..end], out found))
        {
            return null;
        }
        value = found;
        return end;
    }

    /// <summary>A <see cref="Reader"/> of numbers.</summary>
    private static int? Number(ReadOnlySpan<char> text, out string value)
    {
        value = "";
        if (text.Length < 3 || text[1] != '#') return null;
        bool hexadecimal = text[2] is 'x' or 'X';
        int start = hexadecimal ? 3 : 2, at = start, number = 0;
        for (; at < text.Length && (hexadecimal ? char.IsAsciiHexDigit(text[at]) : char.IsAsciiDigit(text[at])); at++)
        {
            int digit = int.Parse(text.Slice(at, 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            number = Math.Min(number * (hexadecimal ? 16 : 10) + digit, 0x110000);
        }
        if (at == start) return null;
        value = Character(number);
        return at < text.Length && text[at] == ';' ? at + 1 : at;
    }

    private static string Character(int number) => number switch
    {
        0 or (>= 0xd800 and <= 0xdfff) or > 0x10ffff => "\ufffd",
        >= 0x80 and <= 0x9f => Windows1252[number - 0x80].ToString(),
        (>= 1 and <= 8) or 0xb or (>= 0xe and <= 0x1f) or 0x7f or (>= 0xfdd0 and <= 0xfdef) => "",
        _ => (number & 0xfffe) == 0xfffe ? "" : new Rune(number).ToString(),
    };

    /// <summary>A <see cref="Reader"/> of names: the longest that the text starts with.</summary>
    private static int? Name(ReadOnlySpan<char> text, out string value)
    {
        int end = 1;
        while (end < text.Length && end <= LongestName && text[end] is not ('\t' or '\n' or '\f' or ' ' or '<' or '&' or '#' or ';')) end++;
        if (end > 1 && end < text.Length && text[end] == ';') end++;
        var names = Names.Value.Standard.GetAlternateLookup<ReadOnlySpan<char>>();
        for (; end > 2; end--)
        {
            if (!names.TryGetValue(text[1..end], out string? found)) continue;
            value = found;
            return end;
        }
        value = "";
        return null;
    }

    private static Tables Read()
    {
        var tables = new Tables(new Dictionary<string, string>(StringComparer.Ordinal), new Dictionary<string, string>(StringComparer.Ordinal));
        var current = tables.Standard;
        foreach (string[] line in TextTable.Lines("entities.txt"))
        {
            if (line[0] == "--") current = tables.Capitals;
            else current[line[0]] = TextTable.Text(line.AsSpan(1));
        }
        return tables;
    }

    private sealed record Tables(Dictionary<string, string> Standard, Dictionary<string, string> Capitals);
}
