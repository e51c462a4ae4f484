using System.Text.Json;
using System.Text.Json.Serialization;

namespace CudaAttribution.Querying.Http;

/// <summary>
/// Value of a header or query parameter: literal text, or <c>{"env": "NAME", "prefix": "Bearer "}</c>, which takes it from an environment variable.
/// </summary>
/// <param name="Text">The literal; null where the environment has the value.</param>
/// <param name="Env">Name of the environment variable; null for a literal.</param>
/// <param name="Prefix">What stands before the variable's value.</param>
[JsonConverter(typeof(ParameterValueConverter))]
public sealed record ParameterValue(string? Text, string? Env, string Prefix = "");

internal sealed class ParameterValueConverter : JsonConverter<ParameterValue>
{
    public override ParameterValue Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String) return new(reader.GetString(), null);
        var reference = JsonSerializer.Deserialize<EnvironmentValue>(ref reader, options) ?? throw new JsonException("a value is null");
        return new(null, reference.Env, reference.Prefix);
    }

    public override void Write(Utf8JsonWriter writer, ParameterValue value, JsonSerializerOptions options)
    {
        if (value.Env is { } env) JsonSerializer.Serialize(writer, new EnvironmentValue { Env = env, Prefix = value.Prefix }, options);
        else writer.WriteStringValue(value.Text);
    }

    private sealed record EnvironmentValue
    {
        public required string Env { get; init; }

        public string Prefix { get; init; } = "";
    }
}
