using System.Text.Json.Serialization;

namespace CudaAttribution.Runs.Manifests;

/// <summary>A remote suspect as results, manifests and reports name it, and what asking it took. Counts are over keys and decoys.</summary>
public sealed record ServiceSummary
{
    /// <summary>Every query with its outcome, one a line, in the folder of the run.</summary>
    public const string JournalFile = "queries.jsonl";

    /// <summary>Name of the description's preset.</summary>
    public required string Preset { get; init; }

    public required string Method { get; init; }

    /// <summary>Scheme, host and port.</summary>
    public required string Host { get; init; }

    public required string Path { get; init; }

    /// <summary>What the suspect's identity is the hash of.</summary>
    public required string IdentityOf { get; init; }

    /// <summary>Whether the queries named their noise, as no strange service takes it.</summary>
    public required bool ExactNoise { get; init; }

    /// <summary>SHA-256 of the query plan, which was written before the first query; null before that.</summary>
    public required string? PlanSha256 { get; init; }

    /// <summary>Decoys that were asked.</summary>
    public required int Decoys { get; init; }

    /// <summary>Requests for a picture.</summary>
    public required int Calls { get; init; }

    /// <summary>Those beyond the first of each query.</summary>
    public required int Retries { get; init; }

    public required int Pictures { get; init; }

    /// <summary>Queries that the service refused to draw.</summary>
    public required int Refusals { get; init; }

    /// <summary>Queries without a usable answer after all retries.</summary>
    public required int Failures { get; init; }

    /// <summary>Pictures that came in another size than the keys and were resized.</summary>
    public required int Resized { get; init; }

    /// <summary>What the service says that it did otherwise than asked; absent where it says nothing of the kind.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ignored { get; init; }

    /// <summary>Cost of all calls at the description's price.</summary>
    public required decimal Cost { get; init; }
}
