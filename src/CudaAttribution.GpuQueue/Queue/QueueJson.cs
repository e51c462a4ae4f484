using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace CudaAttribution.GpuQueue.Queue;

/// <summary>The JSON of the queue's files and results: snake_case names, unknown members refused, one line to a result.</summary>
internal static class QueueJson
{
    public static JsonSerializerOptions Lines { get; } = Options(indented: false);

    private static JsonSerializerOptions Files { get; } = Options(indented: true);

    public static JsonObject Object<T>(T value) => JsonSerializer.SerializeToNode(value, Lines)!.AsObject();

    public static void Write<T>(string file, T value) => File.WriteAllText(file, JsonSerializer.Serialize(value, Files) + "\n");

    /// <exception cref="QueueException">The file is missing, no JSON or of another form.</exception>
    public static T Read<T>(string file, string what)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(file), Lines) ?? throw new JsonException("it holds null");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new QueueException($"{file} is no {what} that can be read: {e.Message}", e);
        }
    }

    private static JsonSerializerOptions Options(bool indented) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = indented,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };
}
