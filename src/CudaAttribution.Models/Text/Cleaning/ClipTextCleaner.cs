using System.Text;

namespace CudaAttribution.Models.Text.Cleaning;

/// <summary>
/// The clean-up of a prompt in OpenAI's CLIP: <see cref="TextFixes"/>, HTML character references replaced twice, runs of white space made one space,
/// none at the ends, lower case with all special cases of Unicode.
/// </summary>
internal static class ClipTextCleaner
{
    private const char CapitalSigma = '\u03a3', CapitalIWithDot = '\u0130';

    /// <returns>Well-formed UTF-16 without capitals.</returns>
    public static string Clean(string text)
    {
        text = TextFixes.Fix(text);
        text = HtmlReferences.Unescape(HtmlReferences.Unescape(text));
        return Lower(CollapseSpace(text));
    }

    private static string CollapseSpace(string text)
    {
        var result = new StringBuilder(text.Length);
        bool pending = false;
        foreach (char c in text)
        {
            if (char.IsWhiteSpace(c))
            {
                pending = result.Length > 0;
                continue;
            }
            if (pending) result.Append(' ');
            pending = false;
            result.Append(c);
        }
        return result.ToString();
    }

    private static string Lower(string text)
    {
        string lower = text.ToLowerInvariant();
        if (text.AsSpan().IndexOfAny(CapitalSigma, CapitalIWithDot) < 0) return lower;
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == CapitalIWithDot) result.Append("i\u0307");
            else if (text[i] == CapitalSigma) result.Append(IsEndOfWord(text, i) ? '\u03c2' : '\u03c3');
            else result.Append(lower[i]);
        }
        return result.ToString();
    }

    /// <summary>The condition Final_Sigma of the Unicode standard (section 3.13): a letter with case before, none after.</summary>
    private static bool IsEndOfWord(string text, int sigma)
    {
        var facts = UnicodeFacts.Default;
        int before = sigma - 1;
        Rune rune;
        for (; before >= 0; before -= rune.Utf16SequenceLength)
        {
            Rune.DecodeLastFromUtf16(text.AsSpan(0, before + 1), out rune, out _);
            if (facts.IsCased(rune)) break;
            if (!facts.IsIgnorable(rune)) return false;
        }
        if (before < 0) return false;
        for (int after = sigma + 1; after < text.Length; after += rune.Utf16SequenceLength)
        {
            Rune.DecodeFromUtf16(text.AsSpan(after), out rune, out _);
            if (!facts.IsIgnorable(rune)) return !facts.IsCased(rune);
        }
        return true;
    }
}
