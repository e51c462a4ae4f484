using System.Text.Json;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Runs;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.Lora;

/// <summary>
/// The scales that diffusers writes into an adapter's metadata: a JSON object with PEFT's settings under <c>unet.*</c> and <c>text_encoder.*</c>. A
/// module's factor is alpha / rank, or alpha / √rank for <c>use_rslora</c>; 1 where nothing is said.
/// </summary>
internal sealed class PeftAlphas
{
    public const string Alpha = "lora_alpha";

    private const string Patterns = "alpha_pattern", RootScaled = "use_rslora", Dora = "use_dora";

    private readonly Dictionary<string, JsonElement> _settings = new(StringComparer.Ordinal);
    private readonly string _path;

    private PeftAlphas(string path) => _path = path;

    /// <summary>Reads the metadata; null is none.</summary>
    /// <exception cref="ModelFileException">They cannot be read, or say something that is not supported.</exception>
    public static PeftAlphas Read(string? json, string path)
    {
        var alphas = new PeftAlphas(path);
        if (json is null) return alphas;
        try
        {
            var settings = OutsideJson.Read(json);
            if (settings.ValueKind != JsonValueKind.Object) throw alphas.Fail("they are no JSON object");
            foreach (var setting in settings.EnumerateObject()) alphas._settings[setting.Name] = setting.Value;
        }
        catch (JsonException e)
        {
            throw new ModelFileException($"{path}: its metadata on the adapter are not valid JSON: {e.Message}", e);
        }
        foreach (var target in Enum.GetValues<LoraTarget>())
        {
            if (alphas.Flag(target, Dora)) throw alphas.Fail("it is a DoRA adapter, which is not supported");
        }
        return alphas;
    }

    /// <summary>What the product of a module's matrices is scaled by.</summary>
    public double Factor(LoraKey key, int rank)
    {
        double divisor = Flag(key.Target, RootScaled) ? Math.Sqrt(rank) : rank;
        return (Pattern(key) ?? Number(key.Target, Alpha) ?? divisor) / divisor;
    }

    /// <summary>The first pattern that a module's name is, or ends with after a dot.</summary>
    private double? Pattern(LoraKey key)
    {
        if (!_settings.TryGetValue(Name(key.Target, Patterns), out var patterns) || patterns.ValueKind == JsonValueKind.Null) return null;
        if (patterns.ValueKind != JsonValueKind.Object) throw Fail($"'{Patterns}' is no object");
        foreach (var pattern in patterns.EnumerateObject())
        {
            if (pattern.Name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_')))
            {
                throw Fail($"'{Patterns}' has the regular expression '{PrintableText.Of(pattern.Name)}', only names are supported");
            }
            bool matches = key.Module == pattern.Name || key.Module.EndsWith("." + pattern.Name, StringComparison.Ordinal);
            if (!matches) continue;
            return pattern.Value.ValueKind == JsonValueKind.Number ? pattern.Value.GetDouble() : throw Fail($"'{Patterns}' has no number");
        }
        return null;
    }

    private bool Flag(LoraTarget target, string setting) =>
        _settings.TryGetValue(Name(target, setting), out var value) && value.ValueKind == JsonValueKind.True;

    private double? Number(LoraTarget target, string setting)
    {
        if (!_settings.TryGetValue(Name(target, setting), out var value)) return null;
        return value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw Fail($"'{setting}' is no number");
    }

    /// <summary>The key of a setting.</summary>
    public static string Name(LoraTarget target, string setting) => $"{(target == LoraTarget.UNet ? "unet" : "text_encoder")}.{setting}";

    private ModelFileException Fail(string reason) => new($"{_path}: its metadata on the adapter cannot be used: {reason}");
}
