using System.Text;

namespace CudaAttribution.Models.Text.Cleaning;

/// <summary>Unicode's normalization form C, in time linear in the text but for the sorting of long runs of combining marks.</summary>
internal static class CanonicalComposition
{
    // Below them no character combines with another, and none decomposes.
    private const char FirstCombining = '\u0300', FirstDecomposable = '\u00c0';

    private const int HangulBase = 0xac00, LeadBase = 0x1100, VowelBase = 0x1161, TrailBase = 0x11a7;

    private const int Leads = 19, Vowels = 21, Trails = 28;

    /// <param name="text">Well-formed UTF-16.</param>
    public static string Normalize(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange(FirstCombining, char.MaxValue)) return text;
        var characters = Decompose(text);
        Reorder(characters);
        return Compose(characters);
    }

    private static List<int> Decompose(string text)
    {
        var characters = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, characters);
        return characters;
    }

    private static void Decompose(int character, List<int> result)
    {
        int syllable = character - HangulBase;
        if (syllable is >= 0 and < Leads * Vowels * Trails)
        {
            result.Add(LeadBase + syllable / (Vowels * Trails));
            result.Add(VowelBase + syllable / Trails % Vowels);
            if (syllable % Trails > 0) result.Add(TrailBase + syllable % Trails);
        }
        else if (character >= FirstDecomposable && UnicodeFacts.Default.TryDecompose(character, out var parts))
        {
            Decompose(parts.First, result);
            if (parts.Second != UnicodeFacts.None) Decompose(parts.Second, result);
        }
        else
        {
            result.Add(character);
        }
    }

    /// <summary>Sorts each run of characters that are no starters by class, keeping the order within a class.</summary>
    private static void Reorder(List<int> characters)
    {
        for (int start = 0; start < characters.Count; start++)
        {
            int end = start;
            bool sorted = true;
            for (int last = 0; end < characters.Count && UnicodeFacts.Default.CombiningClass(characters[end]) is > 0 and var next; end++, last = next)
            {
                sorted &= last <= next;
            }
            if (!sorted)
            {
                int[] run = [.. characters[start..end].OrderBy(UnicodeFacts.Default.CombiningClass)];
                for (int i = 0; i < run.Length; i++) characters[start + i] = run[i];
            }
            start = end;
        }
    }

    private static string Compose(List<int> characters)
    {
        var result = new List<int>(characters.Count);
        int starter = -1, lastClass = 0;
        foreach (int character in characters)
        {
            int combiningClass = UnicodeFacts.Default.CombiningClass(character);
            bool reachable = starter >= 0 && (starter == result.Count - 1 || lastClass < combiningClass);
            if (reachable && TryCompose(result[starter], character, out int composed))
            {
                result[starter] = composed;
                continue;
            }
            if (combiningClass == 0) starter = result.Count;
            lastClass = combiningClass;
            result.Add(character);
        }
        var text = new StringBuilder(result.Count);
        Span<char> units = stackalloc char[2];
        foreach (int character in result) text.Append(units[..new Rune(character).EncodeToUtf16(units)]);
        return text.ToString();
    }

    private static bool TryCompose(int first, int second, out int composed)
    {
        int lead = first - LeadBase, vowel = second - VowelBase, syllable = first - HangulBase, trail = second - TrailBase;
        if (lead is >= 0 and < Leads && vowel is >= 0 and < Vowels)
        {
            composed = HangulBase + (lead * Vowels + vowel) * Trails;
            return true;
        }
        if (syllable is >= 0 and < Leads * Vowels * Trails && syllable % Trails == 0 && trail is > 0 and < Trails)
        {
            composed = first + trail;
            return true;
        }
        return UnicodeFacts.Default.TryCompose(first, second, out composed);
    }
}
