using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CudaAttribution.Runs;

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
