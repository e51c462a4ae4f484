using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CudaAttribution.Runs;

/// <summary>
/// The JSON of every file that a run leaves: snake_case names, shortest round-trip numbers, indented, no escapes but the necessary.
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
    /// <exception cref="UserException">Missing, not JSON, or not of this kind.</exception>
    public static T Read<T>(string file, string kind) => Parse<T>(ReadText(file, kind), file, kind);

    /// <summary>Reads JSON text that came from <paramref name="file"/>.</summary>
    /// <exception cref="UserException">Not JSON, or not of this kind.</exception>
    public static T Parse<T>(string text, string file, string kind)
    {
        try
        {
            return OutsideJson.Read(text).Deserialize<T>(Options) ?? throw new JsonException("the file holds null");
        }
        catch (JsonException e)
        {
            throw new UserException($"not a valid {kind}: {e.Message.TrimEnd('.')}", "Make it again, or restore the file.", file, e);
        }
    }

    /// <summary>Refuses a file of another schema than <paramref name="expected"/>.</summary>
    public static void CheckSchema(string found, string expected, string file)
    {
        if (found != expected)
            throw new UserException(
                $"the schema is '{found}', this version reads '{expected}'", "Make the file again with this version.", file);
    }

    /// <summary>Reads a text file.</summary>
    /// <exception cref="UserException">It cannot be read.</exception>
    public static string ReadText(string file, string kind)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException($"cannot read this {kind} ({e.Message.TrimEnd('.')})", "Check the path and its permissions.", file, e);
        }
    }
}
