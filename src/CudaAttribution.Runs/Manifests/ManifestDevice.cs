using System.Text.Json.Serialization;

namespace CudaAttribution.Runs.Manifests;

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
}
