using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace CudaAttribution.Runs;

/// <summary>
/// JSON that somebody else wrote. What is read here has no duplicate members and nothing that .NET fails on later: <see cref="JsonElement.GetString"/>,
/// names of members and <see cref="JsonNode"/> throw where a text escapes half of a surrogate pair.
/// </summary>
public static class OutsideJson
{
    private const int EscapeLength = 6;

    // As Python and JavaScript write them.
    private static readonly string[] NotFinite = ["NaN", "Infinity", "-Infinity"];

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a document; a byte order mark before it is skipped.</summary>
    /// <exception cref="JsonException">
    /// It is not JSON or not UTF-8, is deeper than 64 levels, names a member twice, or has a text with half of a surrogate pair.
    /// </exception>
    public static JsonElement Read(ReadOnlyMemory<byte> utf8)
    {
        utf8 = WithoutMark(utf8);
        RequireTexts(utf8.Span);
        using var document = JsonDocument.Parse(utf8, Strict);
        return document.RootElement.Clone();
    }

    /// <inheritdoc cref="Read(ReadOnlyMemory{byte})"/>
    public static JsonElement Read(string text) => Read(Encoding.UTF8.GetBytes(text));

    /// <summary>The same as a document that can be changed.</summary>
    /// <inheritdoc cref="Read(ReadOnlyMemory{byte})" path="/exception"/>
    public static JsonNode? ReadNode(string text)
    {
        var element = Read(text);
        return element.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.Object => JsonObject.Create(element),
            JsonValueKind.Array => JsonArray.Create(element),
            _ => JsonValue.Create(element),
        };
    }

    /// <summary>
    /// Reads as lenient clients do: bytes that are not UTF-8 and halves of surrogate pairs become U+FFFD, NaN and infinities null, and of members with
    /// one name the last counts.
    /// </summary>
    /// <returns>Null where it is not JSON even so.</returns>
    public static JsonElement? TryReadLeniently(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            return Read(utf8);
        }
        catch (JsonException)
        {
            return TryParse(Mended(Encoding.UTF8.GetString(WithoutMark(utf8).Span)));
        }
    }

    private static JsonElement? TryParse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> utf8) => utf8.Span.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;

    private static void RequireTexts(ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8)) throw new JsonException("it is not UTF-8");
        var reader = new Utf8JsonReader(utf8);
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || !reader.ValueIsEscaped) continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException e)
            {
                throw new JsonException("a text escapes half of a surrogate pair, which is no character", e);
            }
        }
    }

    /// <summary>The text with what is no JSON but understood replaced; each place is looked at once.</summary>
    private static string Mended(ReadOnlySpan<char> text)
    {
        var mended = new StringBuilder(text.Length);
        bool inside = false;
        while (text.Length > 0)
        {
            var (length, instead) = inside && text[0] == '\\' ? Escape(text) : inside ? (1, null) : Number(text);
            if (text[0] == '"') inside = !inside;
            if (length == 1)
            {
                // Nothing that follows can begin anything up to one of these.
                int next = text[1..].IndexOfAny(inside ? "\"\\" : "\"NI-");
                length = next < 0 ? text.Length : next + 1;
            }
            if (instead is null) mended.Append(text[..length]);
            else mended.Append(instead);
            text = text[length..];
        }
        return mended.ToString();
    }

    private static (int Length, string? Instead) Escape(ReadOnlySpan<char> text)
    {
        if (Surrogate(text) is not { } first) return (Math.Min(2, text.Length), null);
        return char.IsHighSurrogate(first) && Surrogate(text[EscapeLength..]) is { } second && char.IsLowSurrogate(second)
            ? (2 * EscapeLength, null)
            : (EscapeLength, @"\uFFFD");
    }

    private static char? Surrogate(ReadOnlySpan<char> text) =>
        text.Length >= EscapeLength && text.StartsWith(@"\u") && ushort.TryParse(text[2..EscapeLength], NumberStyles.AllowHexSpecifier, null, out ushort unit)
        && char.IsSurrogate((char)unit) ? (char)unit : null;

    private static (int Length, string? Instead) Number(ReadOnlySpan<char> text)
    {
        foreach (string name in NotFinite)
        {
            if (text.StartsWith(name)) return (name.Length, "null");
        }
        return (1, null);
    }
}
