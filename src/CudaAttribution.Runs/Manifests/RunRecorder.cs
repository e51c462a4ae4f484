using System.Runtime.InteropServices;

namespace CudaAttribution.Runs.Manifests;

/// <summary>Notes what a run is given and writes its manifest at the end.</summary>
/// <param name="command">What the run does.</param>
/// <param name="commandLine">The command line that repeats it.</param>
/// <param name="device">Describes the device as it is when it is asked: what stood in for a library is known at the end only.</param>
/// <param name="imageCodec">The libraries that read and write pictures.</param>
/// <param name="seed">The seed of everything random.</param>
public sealed class RunRecorder(
    string command, IReadOnlyList<string> commandLine, Func<ManifestDevice> device, string imageCodec, ulong seed)
{
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;
    private readonly SortedDictionary<string, string> _inputs = new(StringComparer.Ordinal);

    /// <summary>Notes an input by its hash.</summary>
    public void Input(string name, string hash) => _inputs[name] = hash;

    /// <summary>The service that was asked; null where there was none.</summary>
    public ServiceSummary? Remote { get; set; }

    /// <summary>Seconds since the run began.</summary>
    public double Seconds => (DateTimeOffset.UtcNow - _started).TotalSeconds;

    /// <summary>Describes the run so far.</summary>
    /// <param name="folder">Folder whose files are hashed as the outputs; null leaves them out.</param>
    /// <param name="includeOutput">Which files to hash, by relative path; null is all.</param>
    public RunManifest Describe(RunFolder? folder = null, Func<string, bool>? includeOutput = null) => new()
    {
        Command = command,
        CommandLine = commandLine,
        Version = RunManifest.ProgramVersion,
        Seed = seed,
        Started = _started,
        Finished = DateTimeOffset.UtcNow,
        Device = device(),
        ImageCodec = imageCodec,
        Runtime = RuntimeInformation.FrameworkDescription,
        OperatingSystem = RuntimeInformation.OSDescription,
        Remote = Remote,
        Inputs = new SortedDictionary<string, string>(_inputs, StringComparer.Ordinal),
        Outputs = folder is null
            ? new SortedDictionary<string, string>()
            : FileHashes.Of(folder.Root, name => name != RunManifest.FileName && includeOutput?.Invoke(name) != false),
    };
}
