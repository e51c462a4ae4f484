using System.Reflection;
using System.Text.Json.Serialization;

namespace CudaAttribution.Runs.Manifests;

/// <summary>
/// Everything about a run that its results do not hold: the file <c>manifest.json</c>, written last, whose presence marks a finished run.
/// </summary>
public sealed record RunManifest
{
    public const string FileName = "manifest.json";
    public const string CurrentSchema = "cudattr-manifest-1";

    public string Schema { get; init; } = CurrentSchema;

    /// <summary>What the run did: <c>attribute</c>, <c>demo</c>, ...</summary>
    public required string Command { get; init; }

    /// <summary>The command line that repeats it.</summary>
    public required IReadOnlyList<string> CommandLine { get; init; }

    public required string Version { get; init; }

    public required ulong Seed { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required DateTimeOffset Finished { get; init; }

    public double Seconds => Math.Round((Finished - Started).TotalSeconds, 3);

    public required ManifestDevice Device { get; init; }

    /// <summary>The libraries that read and wrote pictures: a JPEG's pixels depend on them. Older manifests do not say.</summary>
    public string ImageCodec { get; init; } = "not recorded";

    public required string Runtime { get; init; }

    public required string OperatingSystem { get; init; }

    /// <summary>The service that was asked; absent where all models were on this machine.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ServiceSummary? Remote { get; init; }

    /// <summary>SHA-256 or identity of each input, by name.</summary>
    public required IReadOnlyDictionary<string, string> Inputs { get; init; }

    /// <summary>SHA-256 of each file of the folder, by relative path.</summary>
    public required IReadOnlyDictionary<string, string> Outputs { get; init; }

    /// <summary>The version of this program.</summary>
    public static string ProgramVersion { get; } =
        typeof(RunManifest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
