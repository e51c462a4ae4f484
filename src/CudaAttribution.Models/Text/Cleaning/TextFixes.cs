using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace CudaAttribution.Models.Text.Cleaning;

/// <summary>
/// What ftfy's <c>fix_text</c> does to a text with its default settings, <b>less its repair of text that was decoded in a wrong encoding</b>
/// (<c>fix_encoding</c>: "schÃ¶n" stays as it is). Line by line, again until nothing changes and at most 32 times: HTML character references are
/// replaced (up to the first line with a &lt;), C1 control characters become what they are in Windows-1252, Latin ligatures and halfwidth and
/// fullwidth forms their usual letters, curly quotes straight ones; terminal escapes and control characters are removed; Unicode is composed
/// (form C).
/// </summary>
internal static partial class TextFixes
{
    // ftfy has no limit, and takes time quadratic in the nesting of references (&amp;amp;amp;...).
    private const int MostRounds = 32;

    private const char FirstReplaced = '\u0080', FirstOfUnusualWidth = '\u3000';

    private static readonly SearchValues<char> Controls = SearchValues.Create(
        [
            .. Enumerable.Range(0, 0x20).Select(c => (char)c).Except("\t\n\f\r"), '\u007f',
            .. Enumerable.Range(0x206a, 6).Select(c => (char)c), '\ufeff', '\ufff9', '\ufffa', '\ufffb', '\ufffc',
        ]);

    private static readonly Dictionary<char, string> Ligatures = new()
    {
        ['\u0132'] = "IJ", ['\u0133'] = "ij", ['\u0149'] = "\u02bcn", ['\u01f1'] = "DZ", ['\u01f2'] = "Dz", ['\u01f3'] = "dz",
        ['\u01c4'] = "D\u017d", ['\u01c5'] = "D\u017e", ['\u01c6'] = "d\u017e", ['\u01c7'] = "LJ", ['\u01c8'] = "Lj", ['\u01c9'] = "lj",
        ['\u01ca'] = "NJ", ['\u01cb'] = "Nj", ['\u01cc'] = "nj", ['\ufb00'] = "ff", ['\ufb01'] = "fi", ['\ufb02'] = "fl", ['\ufb03'] = "ffi",
        ['\ufb04'] = "ffl", ['\ufb05'] = "\u017ft", ['\ufb06'] = "st",
    };

    public static string Fix(string text)
    {
        var result = new StringBuilder(text.Length);
        bool isHtml = false;
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = text.IndexOf('\n', start) + 1;
            if (end == 0) end = text.Length;
            string line = text[start..end];
            isHtml |= line.Contains('<');
            result.Append(FixLine(line, isHtml));
        }
        return result.ToString();
    }

    private static string FixLine(string text, bool isHtml)
    {
        for (int round = 0; round < MostRounds; round++)
        {
            string before = text;
            if (!isHtml) text = HtmlReferences.UnescapeStrictly(text);
            text = ReplaceCharacters(text);
            text = RemoveControls(TerminalEscape().Replace(text, ""));
            text = CanonicalComposition.Normalize(text);
            if (text == before) break;
        }
        return text;
    }

    private static string ReplaceCharacters(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange(FirstReplaced, char.MaxValue)) return text;
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) result.Append(c).Append(text[++i]);
            else if (char.IsSurrogate(c)) result.Append('\ufffd');
            else if (c is >= '\u0080' and <= '\u009f') result.Append(HtmlReferences.Windows1252[c - 0x80]);
            else if (c is '\u02bc' or (>= '\u2018' and <= '\u201b')) result.Append('\'');
            else if (c is >= '\u201c' and <= '\u201f') result.Append('"');
            else if (Ligatures.TryGetValue(c, out string? letters)) result.Append(letters);
            else if (c >= FirstOfUnusualWidth && UnicodeFacts.Default.UsualWidth(c) is { } usual) result.Append(usual);
            else result.Append(c);
        }
        return result.ToString();
    }

    private static string RemoveControls(string text)
    {
        int at = text.AsSpan().IndexOfAny(Controls);
        if (at < 0) return text;
        var result = new StringBuilder(text.Length);
        for (var rest = text.AsSpan(); ; rest = rest[(at + 1)..], at = rest.IndexOfAny(Controls))
        {
            if (at < 0) return result.Append(rest).ToString();
            result.Append(rest[..at]);
        }
    }

    [GeneratedRegex(@"\x1b\[[\d;]*[a-zA-Z]")]
    private static partial Regex TerminalEscape();
}
