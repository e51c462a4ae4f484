using CudaAttribution.Tensors;

namespace CudaAttribution;

/// <summary>The whole command <c>attribute</c> for a local suspect: open, judge, write the folder.</summary>
public static class AttributionJob
{
    /// <param name="device">Where the suspect runs.</param>
    /// <param name="keys">The frozen keys; they say how to sample.</param>
    /// <param name="nulls">The scored innocents.</param>
    /// <param name="suspectFolder">A model folder, or a folder that a suspect was built in; its record then tells κ.</param>
    /// <param name="outFolder">Where the results go.</param>
    /// <param name="options">Level, seed and the like; the prompt overlap is replaced by that of the suspect's record, if it has one.</param>
    /// <param name="commandLine">The command line that repeats it.</param>
    public static (AttributionRun Run, RunManifest Manifest) Run(
        ComputeDevice device, KeySet keys, NullTable nulls, string suspectFolder, string outFolder, AttributionOptions options,
        IReadOnlyList<string> commandLine)
    {
        var recorder = new RunRecorder("attribute", commandLine, device, options.Seed);
        var folder = new RunFolder(outFolder);
        using var suspect = LocalModel.Open(suspectFolder, device, keys.Header.Sampling ?? new SamplingRecipe());
        if (SuspectRecord.TryLoad(suspectFolder) is { } record)
        {
            if (record.Identity != suspect.Identity)
                throw new AttributionException(
                    "the model is not the one that its suspect.json describes (its weights changed)",
                    "Build the suspect again, or name its model folder alone.",
                    suspectFolder);
            options = options with { Overlap = record.OverlapWith(keys) };
        }
        var run = new Attributor(DistanceRegistry.Create(keys.Header.Metric, device)).Run(keys, suspect, nulls, options);
        return (run, AttributionFolder.Write(folder, run, recorder, AttributionFolder.LossesOf(suspectFolder, suspect.Name)));
    }
}
