using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Statistics;

namespace CudaAttribution.Evidence;

/// <summary>
/// Asks one suspect the frozen keys, counts what its answers have of the source's pictures, and ranks the counts among reference innocents
/// (docs/method.md "Indications").
/// </summary>
/// <param name="measure">The measure of the keys.</param>
/// <param name="store">Keeps the answers; null keeps them in memory.</param>
public sealed class Attributor(IPictureMeasure measure, AnswerStore? store = null)
{
    private readonly AnswerStore _store = store ?? AnswerStore.InMemory();

    /// <summary>Queries the suspect once per key.</summary>
    /// <param name="keys">The frozen keys.</param>
    /// <param name="suspect">The suspect.</param>
    /// <param name="nulls">The scored innocents; null for none.</param>
    /// <param name="options">Levels and seed.</param>
    /// <param name="cancel">Cancels; answers that were given stay recorded.</param>
    /// <exception cref="UserException">Keys, null table and suspect do not belong together.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while the suspect was asked.</exception>
    public AttributionRun Run(
        KeySet keys, IImageModel suspect, NullTable? nulls, AttributionOptions options, CancellationToken cancel = default)
    {
        options.Validate();
        if (measure.Name != keys.Header.Metric)
            throw new UserException(
                $"the keys are frozen with metric {keys.Header.Metric}, not {measure.Name}", "Use the metric of the keys.");
        nulls?.Check(keys);
        CheckSuspect(keys, suspect, nulls);
        KeyExaminer.CheckSampling(keys, suspect);

        var noise = new NoiseStream(NoisePurpose.Testing, options.Seed, suspect.Identity);
        var outcomes = KeyExaminer.Examine(_store, suspect, keys.Keys, measure, noise, cancel);
        ExaminedKey[] examined = [.. keys.Keys.Select((k, i) => new ExaminedKey(k, outcomes[i].Answer, ToResult(k, outcomes[i], i, keys.Header.Threshold)))];
        return new(Result(keys, suspect, nulls, options, outcomes, examined), keys, nulls, examined);
    }

    private static void CheckSuspect(KeySet keys, IImageModel suspect, NullTable? nulls)
    {
        string? role =
            suspect.Identity == keys.Header.SourceIdentity ? "the source itself"
            : keys.Header.SelIdentities.Contains(suspect.Identity) ? "one of the innocents that the keys were selected with"
            : nulls?.Models.FirstOrDefault(m => m.Identity == suspect.Identity) is { } m ? $"the reference innocent '{m.Name}'"
            : null;
        if (role is not null)
            throw new UserException(
                $"the suspect '{suspect.Name}' is {role} (same weights)", "A model that keys or references are made of cannot be the suspect.");
    }

    private static AttributionResult Result(
        KeySet keys, IImageModel suspect, NullTable? nulls, AttributionOptions options, IReadOnlyList<KeyOutcome> outcomes,
        IReadOnlyList<ExaminedKey> examined)
    {
        var usability = Usability.Of(examined.Select(k => (k.Key.Prompt, k.Answer)), options.MaxUnusable);
        var calibrated = Calibrate(keys, nulls, options.CalibrationQuantile);
        var conf = Conf(Indication.Conf, keys.Header.Threshold);
        return new AttributionResult
        {
            Suspect = suspect.Name,
            SuspectIdentity = suspect.Identity,
            Remote = suspect.Remote,
            Metric = keys.Header.Metric,
            Threshold = keys.Header.Threshold,
            Calibrated = calibrated,
            Alpha = options.Alpha,
            IntervalLevel = options.IntervalLevel,
            Indications =
            [
                conf,
                .. calibrated is null ? Array.Empty<Indication>() : [Conf(Indication.ConfCalibrated, calibrated.Threshold)],
                Indicate(Indication.Paired, KeyExaminer.PairedWins(keys.Keys, outcomes), keys.PairedCount, m => m.PairedWins),
            ],
            Published = usability.TooMany ? null : PublishedRule.Of(conf.Count, conf.Trials, options.Alpha),
            Overlap = options.Overlap,
            KeysetSha256 = keys.Hash,
            Seed = options.Seed,
            Failures = examined.Count(k => k.Answer.Image is null),
            Unusable = usability.TooMany ? usability : null,
            Keys = [.. examined.Where(k => k.Key.ForConfidence).Select(k => k.Result)],
            PairedOnlyKeys = [.. examined.Where(k => !k.Key.ForConfidence).Select(k => k.Result)],
        };

        Indication Conf(string name, double threshold) => Indicate(
            name, KeyExaminer.Hits(keys.Keys, outcomes, threshold), keys.ConfidenceCount, m => m.HitsAt(threshold, keys.Keys));

        Indication Indicate(string name, int count, int trials, Func<NullModel, int> countOf) => Indication.Of(
            name, count, trials, (nulls?.Of(InnocentSplit.Null) ?? []).Select(m => (m.Family, countOf(m))), options, usability);
    }

    private static CalibratedThreshold? Calibrate(KeySet keys, NullTable? nulls, double quantile)
    {
        double[] pool =
        [
            .. (nulls?.Of(InnocentSplit.Cal) ?? []).Where(m => InnocentFamilies.Confidence.Contains(m.Family))
                .SelectMany(m => m.Distances.Where((_, i) => keys.Keys[i].ForConfidence)),
        ];
        return pool.Length == 0 ? null : new(Quantile.Of(pool, quantile), quantile, pool.Length);
    }

    private static KeyResult ToResult(Key key, KeyOutcome outcome, int index, double threshold) => new(
        key.Prompt,
        outcome.Distance(key),
        outcome.Distance(key) <= threshold,
        key.Reference,
        outcome.ToTraining,
        outcome.ToMedoid,
        outcome.CloserToMedoid,
        key.ForPaired,
        outcome.Answer.Image is null ? null : AttributionResult.AnswerImage(index),
        outcome.Answer.Failure);
}
