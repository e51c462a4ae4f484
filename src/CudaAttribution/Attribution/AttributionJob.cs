using CudaAttribution.Distances;
using CudaAttribution.Files;
using CudaAttribution.Innocents;
using CudaAttribution.Keys;
using CudaAttribution.Suspects;

namespace CudaAttribution.Attribution;

/// <summary>The whole command <c>attribute</c>: open the suspect, judge it, write the folder.</summary>
public static class AttributionJob
{
    /// <param name="keys">The frozen keys.</param>
    /// <param name="nulls">The scored innocents.</param>
    /// <param name="suspectPath">A model folder, a folder that a suspect was built in (its record tells κ), or a description of a service.</param>
    /// <param name="suspectOptions">Where and how it is asked; its folder gets the results.</param>
    /// <param name="options">Level, seed and the like; the prompt overlap is replaced by that of the suspect.</param>
    /// <param name="recorder">Notes what the manifest says.</param>
    /// <param name="cancel">Cancels; answers of a remote suspect stay recorded.</param>
    public static (AttributionRun Run, RunManifest Manifest) Run(
        KeySet keys, NullTable nulls, string suspectPath, SuspectOptions suspectOptions, AttributionOptions options, RunRecorder recorder,
        CancellationToken cancel = default)
    {
        using var suspect = OpenedSuspect.Open(suspectPath, keys, suspectOptions);
        var distance = DistanceRegistry.Create(keys.Header.Metric, suspectOptions.Device);
        var run = new Attributor(distance).Run(keys, suspect.Model, nulls, options with { Overlap = suspect.OverlapWith(keys) }, cancel);
        return (run, AttributionFolder.Write(suspectOptions.Folder, run, recorder, suspect.Losses));
    }
}
