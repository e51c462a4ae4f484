using System.Text.Json.Serialization;
using CudaAttribution.Answers;
using CudaAttribution.Images;

namespace CudaAttribution.Verdicts;

/// <summary>One answer, as the hash chain of a model holds it; or, as its last record, why nothing more could be asked.</summary>
public sealed record AuditRecord
{
    /// <summary>Who answered: <see cref="IImageModel.Identity"/>.</summary>
    public required string Model { get; init; }

    /// <summary>Number of the query in the plan; null at the end.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Query { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Prompt { get; init; }

    /// <summary>Why this is no answer but the end of the interview, before the plan's: the service is not the model any more that it was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ended { get; init; }

    /// <summary>SHA-256 of the pixels of the picture that was compared; null where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Picture { get; init; }

    /// <summary>Why there is no usable picture; null where there is one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Failure { get; init; }

    /// <summary>What a service said beside the picture; null for a local model.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Receipt? Receipt { get; init; }

    internal static AuditRecord Of(string model, Query query, AskedAnswer asked) => new()
    {
        Model = model,
        Query = asked.Query,
        Prompt = query.Prompt,
        Picture = asked.Answer.Image is { } image ? ImageHash.Of(image) : null,
        Failure = asked.Answer.Failure,
        Receipt = asked.Answer.Receipt,
    };
}
