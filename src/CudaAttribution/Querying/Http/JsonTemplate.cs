using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CudaAttribution.Querying.Http;

/// <summary>What a query fills into a request.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Seed">A number that looks random; services that take seeds get another one with each query.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Sampling">Steps, guidance and negative prompt.</param>
/// <param name="Sampler">The solver, as the service calls it.</param>
internal sealed record TemplateValues(string Prompt, uint Seed, int Width, int Height, SamplingRecipe Sampling, string Sampler);

/// <summary>
/// A JSON document with placeholders. A text that is nothing but a placeholder becomes a value of its type (<c>"{seed}"</c> a number); within a
/// longer text it becomes text. Values are never searched for placeholders. <c>{"env": "NAME"}</c> becomes the variable's value.
/// </summary>
internal sealed partial class JsonTemplate(JsonObject document)
{
    private const string EnvironmentMember = "env";

    private static readonly Dictionary<string, Func<TemplateValues, JsonValue>> Placeholders = new()
    {
        ["prompt"] = v => JsonValue.Create(v.Prompt),
        ["seed"] = v => JsonValue.Create(v.Seed),
        ["width"] = v => JsonValue.Create(v.Width),
        ["height"] = v => JsonValue.Create(v.Height),
        ["steps"] = v => JsonValue.Create(v.Sampling.Steps),
        ["guidance"] = v => JsonValue.Create(v.Sampling.Guidance),
        ["sampler"] = v => JsonValue.Create(v.Sampler),
        ["negative_prompt"] = v => JsonValue.Create(v.Sampling.NegativePrompt ?? ""),
    };

    public JsonObject Document => document;

    /// <summary>Whether the document has a placeholder.</summary>
    public bool Uses(string placeholder) => Texts(document).Any(t => t.Contains($"{{{placeholder}}}", StringComparison.Ordinal));

    /// <summary>Environment variables that the document takes values from.</summary>
    public IEnumerable<string> Environment => Objects(document).Select(EnvironmentOf).OfType<string>().Distinct();

    /// <summary>A name in braces that is no placeholder; null where there is none.</summary>
    public string? UnknownPlaceholder => Texts(document)
        .SelectMany(t => Placeholder().Matches(t).Select(m => m.Groups[1].Value))
        .FirstOrDefault(name => !Placeholders.ContainsKey(name));

    public static string KnownPlaceholders => string.Join(' ', Placeholders.Keys.Select(k => $"{{{k}}}"));

    /// <summary>Members with a literal text, with their names.</summary>
    public IEnumerable<(string Name, string Text)> Literals => Objects(document)
        .Where(o => EnvironmentOf(o) is null)
        .SelectMany(o => o)
        .Where(m => m.Value is JsonValue v && v.TryGetValue(out string? text) && !Placeholder().IsMatch(text))
        .Select(m => (m.Key, m.Value!.GetValue<string>()));

    /// <summary>The document with all values.</summary>
    /// <param name="values">Of the placeholders.</param>
    /// <param name="environment">Value of an environment variable.</param>
    public JsonObject Fill(TemplateValues values, Func<string, string> environment) => (JsonObject)Fill(document, values, environment)!;

    private static JsonNode? Fill(JsonNode? node, TemplateValues values, Func<string, string> environment) => node switch
    {
        JsonObject o when EnvironmentOf(o) is { } name => JsonValue.Create(environment(name)),
        JsonObject o => new JsonObject(o.Select(m => KeyValuePair.Create(m.Key, Fill(m.Value, values, environment)))),
        JsonArray a => new JsonArray([.. a.Select(item => Fill(item, values, environment))]),
        JsonValue v when v.TryGetValue(out string? text) => Fill(text, values),
        _ => node?.DeepClone(),
    };

    private static JsonValue Fill(string text, TemplateValues values)
    {
        if (text.Length > 2 && text[0] == '{' && text[^1] == '}' && Placeholders.TryGetValue(text[1..^1], out var value)) return value(values);
        return JsonValue.Create(Placeholder().Replace(text, m => Text(Placeholders[m.Groups[1].Value](values))));
    }

    private static string Text(JsonValue value) =>
        value.TryGetValue(out string? text) ? text : ((IFormattable)value.GetValue<object>()).ToString(null, CultureInfo.InvariantCulture);

    /// <summary>The variable that an object stands for; null where it is an ordinary object.</summary>
    internal static string? EnvironmentOf(JsonObject o) =>
        o.Count == 1 && o[EnvironmentMember] is JsonValue v && v.TryGetValue(out string? name) ? name : null;

    private static IEnumerable<JsonObject> Objects(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(m => Objects(m.Value)).Prepend(o),
        JsonArray a => a.SelectMany(Objects),
        _ => [],
    };

    private static IEnumerable<string> Texts(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(m => Texts(m.Value)),
        JsonArray a => a.SelectMany(Texts),
        JsonValue v when v.TryGetValue(out string? text) => [text],
        _ => [],
    };

    [GeneratedRegex(@"\{([a-z_]+)\}")]
    private static partial Regex Placeholder();
}
