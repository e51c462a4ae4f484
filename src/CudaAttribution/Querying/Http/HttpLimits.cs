using System.Text.Json.Serialization;

namespace CudaAttribution.Querying.Http;

/// <summary>What becomes of a query that was not answered after all retries.</summary>
public enum AfterRetries
{
    /// <summary>The run stops; run again, it asks this query anew. A service that is down is no evidence.</summary>
    [JsonStringEnumMemberName("stop")]
    Stop,

    /// <summary>It is recorded as a miss.</summary>
    [JsonStringEnumMemberName("miss")]
    Miss,
}

/// <summary>How fast, how long, how often and for how much a service is asked. No part of its identity.</summary>
public sealed record HttpLimits
{
    /// <summary>Calls a minute at most; null does not pause.</summary>
    public double? CallsPerMinute { get; init; }

    /// <summary>Pauses are longer than needed by a random share of up to this.</summary>
    public double PauseJitter { get; init; } = 0.25;

    /// <summary>Calls after the first that one query may take.</summary>
    public int Retries { get; init; } = 4;

    /// <summary>Wait before the first retry; it doubles with each further one. Half of it is random.</summary>
    public double BackoffSeconds { get; init; } = 1;

    /// <summary>No wait is longer; a service that asks for more (Retry-After) stops the run.</summary>
    public double LongestWaitSeconds { get; init; } = 300;

    /// <summary>How long one call may take; with ComfyUI, from queueing to picture.</summary>
    public double TimeoutSeconds { get; init; } = 120;

    /// <summary>Price of a call, in any currency; calls that end in 401, 403, 429 or 5xx are free.</summary>
    public decimal CostPerCall { get; init; }

    /// <summary>What all calls of the run may cost together; null is no limit.</summary>
    public decimal? Budget { get; init; }

    public AfterRetries AfterRetries { get; init; } = AfterRetries.Stop;

    /// <summary>Largest answer, in MiB.</summary>
    public int MaxResponseMib { get; init; } = 64;

    /// <summary>The first member that makes no sense, as a sentence without its full stop; null where all do.</summary>
    internal string? Problem()
    {
        (string Name, double Value, double Least, double Most)[] ranges =
        [
            ("calls_per_minute", CallsPerMinute ?? 1, 0.001, 60_000),
            ("pause_jitter", PauseJitter, 0, 10),
            ("retries", Retries, 0, 100),
            ("backoff_seconds", BackoffSeconds, 0, 3600),
            ("longest_wait_seconds", LongestWaitSeconds, 0, 86_400),
            ("timeout_seconds", TimeoutSeconds, 0.001, 86_400),
            ("cost_per_call", (double)CostPerCall, 0, 1e9),
            ("budget", (double)(Budget ?? 0), 0, 1e12),
            ("max_response_mib", MaxResponseMib, 1, 1024),
        ];
        foreach (var (name, value, least, most) in ranges)
        {
            if (!(value >= least && value <= most)) return FormattableString.Invariant($"limits.{name} is {value}, not {least} to {most}");
        }
        return Budget is not null && CostPerCall == 0 ? "limits.budget needs limits.cost_per_call" : null;
    }
}
