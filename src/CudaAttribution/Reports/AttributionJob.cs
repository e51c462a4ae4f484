using CudaAttribution.Answers;
using CudaAttribution.Evidence;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Shadows;
using CudaAttribution.Tensors;

namespace CudaAttribution.Reports;

/// <summary>The whole attribution of a suspect: ask, count and rank, write the folder.</summary>
public static class AttributionJob
{
    /// <param name="keys">The frozen keys.</param>
    /// <param name="nulls">The scored innocents; null for none.</param>
    /// <param name="suspect">The suspect.</param>
    /// <param name="device">Where distances are measured.</param>
    /// <param name="store">Keeps the answers.</param>
    /// <param name="folder">Gets the results.</param>
    /// <param name="options">Level, seed and the like; the prompt overlap is replaced by that of the suspect.</param>
    /// <param name="recorder">Notes what the manifest says.</param>
    /// <param name="discriminator">Scores the suspect too; null for none.</param>
    /// <param name="cancel">Cancels; answers that were given stay recorded.</param>
    /// <param name="descriptor">As <see cref="MeasureRegistry.Create"/> takes it.</param>
    /// <exception cref="UserException">The discriminator is of other keys, or wants two answers to each.</exception>
    public static (AttributionRun Run, RunManifest Manifest) Run(
        KeySet keys, NullTable? nulls, OpenedSuspect suspect, ComputeDevice device, AnswerStore store, RunFolder folder, AttributionOptions options,
        RunRecorder recorder, DiscriminatorFolder? discriminator = null, CancellationToken cancel = default, string? descriptor = null)
    {
        discriminator?.CheckAskedOnce(keys);
        var run = Examine(keys, nulls, suspect, device, store, options, cancel, descriptor);
        if (discriminator is not null)
        {
            recorder.Input("discriminator", discriminator.Sha256);
            Answer[] answers = [.. run.Examined.Where(k => k.Key.ForConfidence).Select(k => k.Answer)];
            run = run with { Result = run.Result with { Discriminator = discriminator.Score(run.Result.SuspectIdentity, answers, device) } };
        }
        return (run, AttributionFolder.Write(folder, run, recorder, suspect.Losses));
    }

    /// <summary>Asks, counts and ranks, and writes nothing but the answers into their store.</summary>
    public static AttributionRun Examine(
        KeySet keys, NullTable? nulls, OpenedSuspect suspect, ComputeDevice device, AnswerStore store, AttributionOptions options,
        CancellationToken cancel = default, string? descriptor = null) =>
        new Attributor(MeasureRegistry.Create(keys.Header.Metric, device, descriptor), store)
            .Run(keys, suspect.Model, nulls, options with { Overlap = suspect.OverlapWith(keys) }, cancel);
}
