using CudaAttribution.Data.Codecs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Tensors;

namespace CudaAttribution.Reports;

/// <summary>Recorders of runs that compute on a device.</summary>
public static class RecordedRun
{
    /// <summary>Notes what a run on a device is given.</summary>
    public static RunRecorder On(ComputeDevice device, string command, IReadOnlyList<string> commandLine, ulong seed) =>
        new(command, commandLine, () => Describe(device), ImageCodecs.Name, seed);

    private static ManifestDevice Describe(ComputeDevice device)
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
