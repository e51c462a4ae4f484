using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using CudaAttribution.Runs;

namespace CudaAttribution.Models.Configuration;

/// <summary>
/// Configuration files in the terms of diffusers and Hugging Face transformers. What such a file says about the computation is either a property
/// of the record it is read into, or a key whose only supported value is known, or the file is refused: no key is accepted and ignored.
/// </summary>
internal static class ConfigJson
{
    public static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectNullableAnnotations = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    /// <summary>The JSON object in a file.</summary>
    /// <exception cref="ModelFileException">There is no such file, or it holds no JSON object.</exception>
    public static JsonObject Load(string path, string purpose)
    {
        if (!File.Exists(path))
        {
            throw new ModelFileException(
                $"{path} does not exist: it holds {purpose}. Point at a complete model folder, or make one with 'cudattr train'");
        }
        return Parse(File.ReadAllText(path), path);
    }

    /// <summary>The JSON object in a text; <paramref name="source"/> names it in errors.</summary>
    public static JsonObject Parse(string json, string source)
    {
        try
        {
            return OutsideJson.ReadNode(json) as JsonObject
                ?? throw new ModelFileException($"{source}: a JSON object is expected");
        }
        catch (JsonException e)
        {
            throw new ModelFileException($"{source} is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Reads a record from an object.</summary>
    /// <param name="json">The object, as the file has it.</param>
    /// <param name="source">File name for messages.</param>
    /// <param name="pinned">Keys that change the computation, with the values (as JSON) that this program computes.</param>
    /// <param name="metadata">Keys that do not change the computation.</param>
    /// <exception cref="ModelFileException">A key is unknown, has an unsupported value, or a value has the wrong type.</exception>
    public static T Read<T>(JsonObject json, string source, IReadOnlyDictionary<string, string[]> pinned, IReadOnlySet<string> metadata)
    {
        var known = Options.GetTypeInfo(typeof(T)).Properties.Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        var own = new JsonObject();
        foreach (var (key, value) in json)
        {
            if (known.Contains(key)) own[key] = value?.DeepClone();
            else if (pinned.TryGetValue(key, out var values)) RequirePinned(source, key, value, values);
            else if (!metadata.Contains(key))
            {
                throw new ModelFileException(
                    $"{source}: the key '{key}' is not known to this program and may change the computation; remove it if it does not");
            }
        }
        try
        {
            return own.Deserialize<T>(Options)!;
        }
        catch (JsonException e)
        {
            throw new ModelFileException($"{source}: {e.Message}", e);
        }
    }

    /// <summary>The record as an indented JSON text, after the keys by which diffusers or transformers know what the file is.</summary>
    public static string Write<T>(T config, JsonObject head)
    {
        foreach (var (key, value) in JsonSerializer.SerializeToNode(config, Options)!.AsObject()) head[key] = value?.DeepClone();
        return Text(head);
    }

    /// <summary>How every JSON file of a model folder is laid out.</summary>
    public static string Text(JsonObject json) => json.ToJsonString(Options) + "\n";

    private static void RequirePinned(string source, string key, JsonNode? value, string[] supported)
    {
        if (supported.Any(s => JsonNode.DeepEquals(value, JsonNode.Parse(s)))) return;
        throw new ModelFileException($"{source}: '{key}': {value?.ToJsonString() ?? "null"} is not supported, only {string.Join(" or ", supported)}");
    }
}
