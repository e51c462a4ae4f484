using System.Text.Json.Nodes;

namespace CudaAttribution.Runs;

/// <summary>Where two JSON values differ, in words.</summary>
public static class JsonDifference
{
    private const int LongestValue = 60;

    /// <summary>One line for each member that differs, by its path: <c>training.steps was 40, is 50</c>.</summary>
    public static IEnumerable<string> Between(JsonNode? was, JsonNode? now, string path = "")
    {
        if (JsonNode.DeepEquals(was, now)) return [];
        if (was is JsonObject a && now is JsonObject b)
            return a.Select(p => p.Key).Union(b.Select(p => p.Key)).SelectMany(name => Between(a[name], b[name], path.Length == 0 ? name : $"{path}.{name}"));
        if (was is JsonArray x && now is JsonArray y && x.Count == y.Count)
            return x.SelectMany((node, i) => Between(node, y[i], $"{path}[{i}]"));
        return [$"{(path.Length == 0 ? "it" : path)} was {Text(was)}, is {Text(now)}"];
    }

    private static string Text(JsonNode? node)
    {
        string text = node is null ? "absent" : CanonicalJson.Write(node);
        return text.Length <= LongestValue ? text : text[..LongestValue] + "…";
    }
}
