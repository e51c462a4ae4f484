using System.Text;

namespace CudaAttribution.Tensors.Weights;

/// <summary>Text from a file for a message: control characters as <c>\u001b</c>, and no longer than a reader can use.</summary>
public static class PrintableText
{
    internal const int ReasonLength = 2000;

    private const int NameLength = 200;

    /// <summary>The text, escaped and, where it is longer than <paramref name="length"/> characters, cut with its length stated.</summary>
    public static string Of(string text, int length = NameLength)
    {
        string head = text.Length > length ? text[..length] : text;
        if (head.Any(MustEscape))
        {
            var escaped = new StringBuilder();
            foreach (char c in head) escaped.Append(MustEscape(c) ? $"\\u{(int)c:x4}" : c.ToString());
            head = escaped.ToString();
        }
        return text.Length > length ? $"{head}... ({text.Length:N0} characters)" : head;
    }

    /// <summary>The first names of a list, and how many more there are.</summary>
    public static string List(IEnumerable<string> names, int shown = 10)
    {
        string[] all = [.. names];
        string rest = all.Length > shown ? $" and {all.Length - shown} more" : "";
        return string.Join(", ", all.Take(shown).Select(n => Of(n))) + rest;
    }

    private static bool MustEscape(char c) => char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' or (>= '\u202a' and <= '\u202e');
}
