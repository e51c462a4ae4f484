namespace CudaAttribution.Runs.Units;

/// <summary>Everything about a finished unit that its results do not hold: written last into its result.</summary>
public sealed record UnitManifest
{
    public const string FileName = "manifest.json";
    public const string CurrentSchema = "cudattr-unit-result-1";

    public string Schema { get; init; } = CurrentSchema;

    public required string Unit { get; init; }

    public required string Kind { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required DateTimeOffset Finished { get; init; }

    /// <summary>The machine that computed it.</summary>
    public required string Machine { get; init; }

    /// <summary>Version of the program.</summary>
    public required string Version { get; init; }

    public required string Runtime { get; init; }

    public required string OperatingSystem { get; init; }

    /// <summary>SHA-256 of each file of the result, by relative path.</summary>
    public required IReadOnlyDictionary<string, string> Outputs { get; init; }
}
