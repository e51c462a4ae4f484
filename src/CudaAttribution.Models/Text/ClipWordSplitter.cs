using System.Globalization;
using System.Text;

namespace CudaAttribution.Models.Text;

/// <summary>
/// Splits a cleaned prompt into what byte pairs are merged within: the two special tokens, English contractions ('s, 't, 're, 've, 'm, 'll, 'd), runs
/// of letters, single digits and other numbers, runs of everything else but white space. It is CLIP's regular expression
/// <c>&lt;\|startoftext\|&gt;|&lt;\|endoftext\|&gt;|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+</c> without regard to case, by code
/// points; .NET's own regular expressions read UTF-16 units and would take letters beyond U+FFFF for symbols.
/// </summary>
internal ref struct ClipWordSplitter(ReadOnlySpan<char> text)
{
    public const string StartOfText = "<|startoftext|>", EndOfText = "<|endoftext|>";

    private static readonly string[] Whole = [StartOfText, EndOfText, "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private ReadOnlySpan<char> _rest = text;

    private enum Kind
    {
        Space,
        Letter,
        Number,
        Other,
    }

    public ReadOnlySpan<char> Current { get; private set; }

    public bool MoveNext()
    {
        while (!_rest.IsEmpty)
        {
            int length = WholeLength(_rest);
            Kind kind = Kind.Other;
            if (length == 0)
            {
                kind = KindAt(_rest, out length);
                if (kind is Kind.Letter or Kind.Other)
                {
                    while (length < _rest.Length && KindAt(_rest[length..], out int next) == kind) length += next;
                }
            }
            Current = _rest[..length];
            _rest = _rest[length..];
            if (kind != Kind.Space) return true;
        }
        return false;
    }

    private static int WholeLength(ReadOnlySpan<char> text)
    {
        if (text[0] is not ('<' or '\'')) return 0;
        foreach (string whole in Whole)
        {
            if (StartsWith(text, whole)) return whole.Length;
        }
        return 0;
    }

    // ſ (U+017F) is the one other lower-case letter that equals an ASCII letter without regard to case.
    private static bool StartsWith(ReadOnlySpan<char> text, string start)
    {
        if (text.Length < start.Length) return false;
        for (int i = 0; i < start.Length; i++)
        {
            if ((text[i] == '\u017f' ? 's' : text[i]) != start[i]) return false;
        }
        return true;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, out int length)
    {
        Rune.DecodeFromUtf16(text, out var rune, out length);
        // Without regard to case U+0345 is the letter ι and not a letter at once, so that no branch of the original's pattern takes it.
        if (Rune.IsWhiteSpace(rune) || rune.Value == 0x345) return Kind.Space;
        return Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }
}
