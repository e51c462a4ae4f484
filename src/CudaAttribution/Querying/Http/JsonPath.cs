using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace CudaAttribution.Querying.Http;

/// <summary>A place in a JSON document: names and indices, such as <c>data[0].b64_json</c>.</summary>
internal sealed partial class JsonPath
{
    private readonly object[] _steps;

    private JsonPath(string text, object[] steps) => (Text, _steps) = (text, steps);

    public string Text { get; }

    /// <returns>The path, or null where the text is none.</returns>
    public static JsonPath? TryParse(string text)
    {
        if (!Form().IsMatch(text)) return null;
        var steps = Step().Matches(text).Select(m => m.Groups["index"].Success
            ? (object)int.Parse(m.Groups["index"].Value, CultureInfo.InvariantCulture)
            : m.Groups["name"].Value);
        return new JsonPath(text, [.. steps]);
    }

    /// <returns>What is there, or null where nothing is.</returns>
    public JsonElement? Find(JsonElement root)
    {
        var at = root;
        foreach (object step in _steps)
        {
            if (step is int index && at.ValueKind == JsonValueKind.Array && index < at.GetArrayLength()) at = at[index];
            else if (step is string name && at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out var member)) at = member;
            else return null;
        }
        return at;
    }

    [GeneratedRegex(@"^([\w-]+|\[\d{1,6}\])(\.[\w-]+|\[\d{1,6}\])*$")]
    private static partial Regex Form();

    [GeneratedRegex(@"\[(?<index>\d+)\]|(?<name>[\w-]+)")]
    private static partial Regex Step();
}
