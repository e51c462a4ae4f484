using System.Text.Json.Nodes;

namespace CudaAttribution.Remote;

/// <summary>What OpenAI's image models take, as of November 2026. A size that the description itself writes into the body is its own affair.</summary>
internal static class OpenAiModels
{
    private const string Model = "model", Size = "size", PresetOf2023 = "openai-images-2023", PresetOfToday = "openai-images";

    private static readonly (string Model, string[] Sizes)[] Old =
    [
        ("dall-e-2", ["256x256", "512x512", "1024x1024"]),
        ("dall-e-3", ["1024x1024", "1792x1024", "1024x1792"]),
    ];

    private static readonly string[] Today = ["1024x1024", "1536x1024", "1024x1536"];

    /// <summary>What is wrong with a description of one of the two presets, and its remedy; null where nothing is.</summary>
    public static (string, string)? Problem(HttpDescription d, JsonObject body)
    {
        if (d.Body is not null || d.Preset is not (HttpPreset.OpenAiImages or HttpPreset.OpenAiImages2023)) return null;
        if (body[Model] is not { } named)
            return ("the description names no model", "Give \"body_changes\": {\"model\": NAME}, for example \"gpt-image-1\".");
        string model = named is JsonValue v && v.TryGetValue(out string? text) ? text : "";
        bool old = d.Preset == HttpPreset.OpenAiImages2023;
        if (!old && model.StartsWith("dall-e-", StringComparison.Ordinal))
            return ($"the preset {PresetOfToday} is not for {model}, which answers with an address unless it is told otherwise", Use(PresetOf2023));
        if (old && model.StartsWith("gpt-image-", StringComparison.Ordinal))
            return ($"the preset {PresetOf2023} is not for {model}, which takes no response_format", Use(PresetOfToday));
        if (d.BodyChanges?.ContainsKey(Size) == true) return null;
        if (d.Width is not { } width || d.Height is not { } height)
            return ("the description does not say which size to ask for", $"Set \"width\" and \"height\": {model} takes {Words(model, old)}.");
        return Takes(model, old, width, height)
            ? null
            : ($"{model} does not take the size {width}x{height}",
                $"Set \"width\" and \"height\" to one that it takes: {Words(model, old)}; or, where you know better, write \"size\" into \"body_changes\".");
    }

    private static string Use(string preset) => $"Use \"preset\": \"{preset}\".";

    private static bool Takes(string model, bool old, int width, int height) => IsFree(model)
        ? width % 16 == 0 && height % 16 == 0 && Math.Max(width, height) <= 3840 && Math.Max(width, height) <= 3 * Math.Min(width, height)
            && (long)width * height is >= 655_360 and <= 8_294_400
        : Of(model, old).Contains($"{width}x{height}");

    private static string Words(string model, bool old) => IsFree(model)
        ? "multiples of 16 up to 3840, at most 3 to 1, 655,360 to 8,294,400 pixels"
        : string.Join(", ", Of(model, old));

    private static bool IsFree(string model) => model.StartsWith("gpt-image-2", StringComparison.Ordinal);

    // A model of another name: what any of its generation takes.
    private static IEnumerable<string> Of(string model, bool old) => !old ? Today
        : Old.FirstOrDefault(o => o.Model == model).Sizes ?? Old.SelectMany(o => o.Sizes).Distinct();
}
