using System.Text.Json.Serialization;
using CudaAttribution.Answers;
using CudaAttribution.Images;

namespace CudaAttribution.Remote;

/// <summary>How a query ended.</summary>
public enum QueryOutcome
{
    /// <summary>With a picture.</summary>
    Picture,

    /// <summary>The service will not draw it: a miss.</summary>
    Refused,

    /// <summary>No usable answer came after all retries: a miss.</summary>
    Failed,
}

/// <summary>One line of <c>queries.jsonl</c>.</summary>
public sealed record QueryRecord
{
    /// <summary>Place in the plan, from 0.</summary>
    public required int Number { get; init; }

    public required QueryKind Kind { get; init; }

    /// <summary>Number of the key or decoy.</summary>
    public required int Index { get; init; }

    public required string Prompt { get; init; }

    /// <summary>SHA-256 of method, address and body without secrets.</summary>
    public required string RequestSha256 { get; init; }

    /// <summary>When the answer was there.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Seconds from the first call of this run to the answer, pauses included.</summary>
    public required double Seconds { get; init; }

    /// <summary>Calls it took.</summary>
    public required int Calls { get; init; }

    public required decimal Cost { get; init; }

    public required QueryOutcome Outcome { get; init; }

    /// <summary>Why there is no picture; null where there is one.</summary>
    public required string? Failure { get; init; }

    /// <summary>HTTP status of the last answer; null where none came.</summary>
    public required int? Status { get; init; }

    /// <summary>File of the last answer's body as it came; null where none came.</summary>
    public string? Response { get; init; }

    /// <summary>SHA-256 of that file.</summary>
    public required string? ResponseSha256 { get; init; }

    /// <summary>Whether the service repeated a secret, so that the file has the name of its variable instead and is not as it came.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ResponseScrubbed { get; init; }

    /// <summary>File of the picture as it came, re-encoded without loss.</summary>
    public required string? Image { get; init; }

    /// <summary>SHA-256 of its size and pixels.</summary>
    public required string? ImageSha256 { get; init; }

    /// <summary>Width and height as it came.</summary>
    public required int? Width { get; init; }

    public required int? Height { get; init; }

    /// <summary>Whether it was resized to the size of the keys before it was compared.</summary>
    public required bool Resized { get; init; }

    /// <summary>What the service says that it drew with; null where it does not say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServiceInfo? Service { get; init; }

    /// <summary>What the request asked for and the service says that it did otherwise, in words.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Ignored { get; init; }

    /// <param name="number">Place in the plan.</param>
    /// <param name="planned">What was asked.</param>
    /// <param name="request">SHA-256 of the request.</param>
    /// <param name="result">How it ended.</param>
    /// <param name="taken">What it took.</param>
    /// <param name="began">When this run began to ask it.</param>
    internal static QueryRecord Of(int number, PlannedQuery planned, string request, CallResult result, PendingQuery taken, DateTimeOffset began)
    {
        var now = DateTimeOffset.UtcNow;
        bool picture = result.Outcome == CallOutcome.Picture;
        string name = $"queries/{planned.Kind.ToString().ToLowerInvariant()}-{planned.Index:D3}";
        return new()
        {
            Number = number,
            Kind = planned.Kind,
            Index = planned.Index,
            Prompt = planned.Prompt,
            RequestSha256 = request,
            Time = now,
            Seconds = Math.Round((now - began).TotalSeconds, 3),
            Calls = taken.Calls,
            Cost = taken.Cost,
            Outcome = picture ? QueryOutcome.Picture : result.Outcome == CallOutcome.Refused ? QueryOutcome.Refused : QueryOutcome.Failed,
            Failure = picture ? null : result.Reason,
            Status = result.Status,
            Response = result.Reply is null ? null : name + ".response",
            ResponseSha256 = result.Reply?.KeptSha256,
            ResponseScrubbed = result.Reply?.Scrubbed ?? false,
            Service = result.Service,
            Ignored = result.Ignored.Count > 0 ? result.Ignored : null,
            Image = picture ? name + ".png" : null,
            ImageSha256 = result.Image is { } image ? ImageHash.Of(image) : null,
            Width = result.Image?.Width,
            Height = result.Image?.Height,
            Resized = false,
        };
    }

    internal Receipt Receipt => new(ResponseSha256, Response, Status, Width, Height, Service);
}

/// <summary>The query in flight: the file <c>query-pending.json</c>, written before each call and removed once its line is in the journal.</summary>
/// <param name="Number">Place in the plan.</param>
/// <param name="Calls">Calls made, with the one in flight.</param>
/// <param name="Cost">What they cost; the one in flight is taken to be charged.</param>
/// <param name="Generation">Unusable answers so far.</param>
internal sealed record PendingQuery(int Number, int Calls, decimal Cost, int Generation);
