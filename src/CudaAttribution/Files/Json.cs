using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace CudaAttribution.Files;

/// <summary>
/// The JSON of every file this assembly writes: snake_case names, shortest round-trip numbers, indented, no escapes but the necessary.
/// </summary>
public static class Json
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Options) + "\n";

    /// <summary>Reads a JSON file.</summary>
    /// <exception cref="AttributionException">Missing, not JSON, or not of this kind.</exception>
    public static T Read<T>(string file, string kind) => Parse<T>(ReadText(file, kind), file, kind);

    /// <summary>Reads JSON text that came from <paramref name="file"/>.</summary>
    /// <exception cref="AttributionException">Not JSON, or not of this kind.</exception>
    public static T Parse<T>(string text, string file, string kind)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(text, Options) ?? throw new JsonException("the file holds null");
        }
        catch (JsonException e)
        {
            throw new AttributionException($"not a valid {kind}: {e.Message.TrimEnd('.')}", "Make it again, or restore the file.", file, e);
        }
    }

    /// <summary>Refuses a file of another schema than <paramref name="expected"/>.</summary>
    public static void CheckSchema(string found, string expected, string file)
    {
        if (found != expected)
            throw new AttributionException(
                $"the schema is '{found}', this version reads '{expected}'", "Make the file again with this version.", file);
    }

    internal static string ReadText(string file, string kind)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AttributionException($"cannot read this {kind} ({e.Message.TrimEnd('.')})", "Check the path and its permissions.", file, e);
        }
    }
}

/// <summary>
/// One text for one JSON value: members in ordinal order of names, no white space, numbers and strings as they were written. What a hash of a
/// document is taken over, so that re-indenting or reordering a file does not change it and anything else does.
/// </summary>
public static class CanonicalJson
{
    public static string Write(JsonNode? node)
    {
        var text = new StringBuilder();
        Append(text, node);
        return text.ToString();
    }

    /// <summary>SHA-256 of the canonical UTF-8 text, 64 hex digits.</summary>
    public static string Hash(JsonNode? node) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Write(node))));

    private static void Append(StringBuilder text, JsonNode? node)
    {
        switch (node)
        {
            case JsonObject o:
                text.Append('{');
                string comma = "";
                foreach (var (name, value) in o.OrderBy(p => p.Key, StringComparer.Ordinal))
                {
                    text.Append(comma).Append(JsonSerializer.Serialize(name, Json.Options)).Append(':');
                    Append(text, value);
                    comma = ",";
                }
                text.Append('}');
                break;
            case JsonArray a:
                text.Append('[');
                for (int i = 0; i < a.Count; i++)
                {
                    if (i > 0) text.Append(',');
                    Append(text, a[i]);
                }
                text.Append(']');
                break;
            default:
                text.Append(node is null ? "null" : node.ToJsonString(Json.Options));
                break;
        }
    }
}
