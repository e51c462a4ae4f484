using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Runs;

namespace CudaAttribution.Remote;

/// <summary>AUTOMATIC1111's <c>info</c>: JSON in a text, which says what the picture was drawn with.</summary>
internal static class WebUiInfo
{
    /// <param name="answer">The answer.</param>
    /// <param name="excerpt">Makes text from outside short and free of secrets.</param>
    /// <returns>What it says; null where the answer has no such text.</returns>
    public static ServiceInfo? Read(JsonElement answer, Func<string, string> excerpt)
    {
        if (answer.ValueKind != JsonValueKind.Object || !answer.TryGetProperty("info", out var text) || text.ValueKind != JsonValueKind.String) return null;
        if (OutsideJson.TryReadLeniently(Encoding.UTF8.GetBytes(text.GetString()!)) is not { ValueKind: JsonValueKind.Object } info) return null;
        return new ServiceInfo
        {
            SdModelHash = Text("sd_model_hash"),
            SdModelName = Text("sd_model_name"),
            SamplerName = Text("sampler_name"),
            Width = Number("width", e => e.TryGetInt32(out int n) ? n : (int?)null),
            Height = Number("height", e => e.TryGetInt32(out int n) ? n : (int?)null),
            Seed = Number("seed", e => e.TryGetUInt64(out ulong n) ? n : (ulong?)null),
            Steps = Number("steps", e => e.TryGetInt32(out int n) ? n : (int?)null),
            CfgScale = Number("cfg_scale", e => e.TryGetDouble(out double n) && double.IsFinite(n) ? n : (double?)null),
        };

        string? Text(string name) =>
            info.TryGetProperty(name, out var e) && e is { ValueKind: JsonValueKind.String } && e.GetString() is { Length: > 0 } text ? excerpt(text) : null;

        T? Number<T>(string name, Func<JsonElement, T?> read) where T : struct =>
            info.TryGetProperty(name, out var e) && e.ValueKind == JsonValueKind.Number ? read(e) : null;
    }

    /// <summary>What was asked for and not done: sampler, steps, guidance and size, in words.</summary>
    /// <param name="request">The request's body.</param>
    /// <param name="said">What the service says it did.</param>
    public static IReadOnlyList<string> Ignored(JsonObject request, ServiceInfo? said)
    {
        if (said is null) return [];
        var done = JsonSerializer.SerializeToNode(said, Json.Options)!;
        string[] names = ["sampler_name", "steps", "cfg_scale", "width", "height"];
        return [.. names.Where(name => !Same(request[name], done[name])).Select(name => $"{name} {Value(request[name])} (it took {Value(done[name])})")];
    }

    private static string Value(JsonNode? node) => node?.ToString() ?? "";

    // Numbers may be written in several ways, samplers in any case.
    private static bool Same(JsonNode? asked, JsonNode? done) =>
        asked is null || done is null
        || (Number(asked) is { } x && Number(done) is { } y ? x == y : string.Equals(Value(asked), Value(done), StringComparison.OrdinalIgnoreCase));

    private static double? Number(JsonNode node) =>
        node.GetValueKind() == JsonValueKind.Number ? double.Parse(node.ToJsonString(), CultureInfo.InvariantCulture) : null;
}
