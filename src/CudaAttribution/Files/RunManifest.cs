using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using CudaAttribution.Attribution;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Querying.Http;
using CudaAttribution.Tensors;

namespace CudaAttribution.Files;

/// <summary>The device of a run, as an auditor needs it.</summary>
public sealed record ManifestDevice(
    string Id, string Name, string Binding, string InstructionSet, string DriverVersion, long MemoryBytes, int Multiprocessors,
    string MathLibrary, string KernelsSha256)
{
    /// <summary>What the kernels were loaded from; older manifests do not say.</summary>
    public string KernelImage { get; init; } = "not recorded";

    /// <summary>Convolutions that the project's kernels computed because the library has no deterministic algorithm for them; absent for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? KernelStandIns { get; init; }

    public static ManifestDevice Of(ComputeDevice device)
    {
        var i = device.Driver.Info;
        return new(
            i.Id,
            i.Name,
            i.Binding,
            i.InstructionSet,
            i.DriverVersion,
            i.MemoryBytes,
            i.Multiprocessors,
            device.Math.Name,
            device.Driver.Kernels.Hash)
        {
            KernelImage = device.Driver.Kernels.Image,
            KernelStandIns = device.Math.StandIns.Count > 0 ? [.. device.Math.StandIns.Select(s => s.ToString())] : null,
        };
    }
}

/// <summary>
/// Everything about a run that its results do not hold: the file <c>manifest.json</c>, written last, whose presence marks a finished run.
/// </summary>
public sealed record RunManifest
{
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
    public RemoteSummary? Remote { get; init; }

    /// <summary>SHA-256 or identity of each input, by name.</summary>
    public required IReadOnlyDictionary<string, string> Inputs { get; init; }

    /// <summary>SHA-256 of each file of the folder, by relative path.</summary>
    public required IReadOnlyDictionary<string, string> Outputs { get; init; }

    /// <summary>The version of this program.</summary>
    public static string ProgramVersion { get; } =
        typeof(RunManifest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}

/// <summary>Notes what a run is given and writes its manifest at the end.</summary>
public sealed class RunRecorder(string command, IReadOnlyList<string> commandLine, ComputeDevice device, ulong seed)
{
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;
    private readonly SortedDictionary<string, string> _inputs = new(StringComparer.Ordinal);

    /// <summary>Notes an input by its hash.</summary>
    public void Input(string name, string hash) => _inputs[name] = hash;

    /// <summary>The service that was asked; null where there was none.</summary>
    public RemoteSummary? Remote { get; set; }

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
        Device = ManifestDevice.Of(device),
        ImageCodec = ImageCodecs.Name,
        Runtime = RuntimeInformation.FrameworkDescription,
        OperatingSystem = RuntimeInformation.OSDescription,
        Remote = Remote,
        Inputs = new SortedDictionary<string, string>(_inputs, StringComparer.Ordinal),
        Outputs = folder is null ? new SortedDictionary<string, string>() : Outputs(folder, includeOutput),
    };

    private static SortedDictionary<string, string> Outputs(RunFolder folder, Func<string, bool>? include)
    {
        var outputs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(folder.Root, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(folder.Root, file).Replace(Path.DirectorySeparatorChar, '/');
            if (name != AttributionFiles.Manifest && include?.Invoke(name) != false) outputs[name] = RunFolder.HashFile(file);
        }
        return outputs;
    }
}
