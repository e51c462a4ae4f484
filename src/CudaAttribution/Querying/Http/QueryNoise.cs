using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Files;

namespace CudaAttribution.Querying.Http;

/// <summary>
/// The noise of a query as an extra member of a request: what <c>cudattr serve</c> completes with the identity of its own model, so that its answer
/// is the picture that the model gives as a local suspect, bit for bit. No other service knows it; some refuse members that they do not know.
/// </summary>
/// <param name="Purpose">What the picture is for.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Index">Number of the picture.</param>
public sealed record QueryNoise(NoisePurpose Purpose, ulong Seed, long Index)
{
    public const string Member = "cudattr_noise";

    public static QueryNoise Of(NoiseId noise) => new(noise.Purpose, noise.Seed, noise.Index);

    public NoiseId For(string subject) => new(Purpose, subject, Seed, Index);

    public JsonNode ToJson() => JsonSerializer.SerializeToNode(this, Json.Options)!;

    /// <returns>The noise, or null where the JSON is no such thing.</returns>
    public static QueryNoise? TryRead(JsonElement json)
    {
        try
        {
            return json.Deserialize<QueryNoise>(Json.Options) is { Index: >= 0 } noise ? noise : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
