using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;
using CudaAttribution.Statistics;

namespace CudaAttribution.Evidence;

/// <summary>
/// Judges one suspect (docs/method.md "Tests"). Two tests are run on the frozen keys. The conf test asks whether the suspect hits more
/// keys than models that never saw the source's output; the paired test asks whether its answers are closer to the source's pictures
/// than to the real ones, compared with models that were lawfully trained on real pictures of the same set.
/// </summary>
/// <remarks>
/// The verdict is an intersection-union test (Berger 1982): innocence is the union of the two null hypotheses, so it is rejected only where both
/// are, each at level α, and the error stays at most α without correction; the p-value of the whole is the larger of the two.
/// </remarks>
/// <param name="measure">The measure of the keys.</param>
/// <param name="store">Keeps the answers; null keeps them in memory.</param>
public sealed class Attributor(IPictureMeasure measure, AnswerStore? store = null)
{
    private readonly AnswerStore _store = store ?? AnswerStore.InMemory();

    /// <summary>Queries the suspect once per key and tests the counts.</summary>
    /// <exception cref="UserException">Keys, null table and suspect do not belong together.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while the suspect was asked.</exception>
    public AttributionRun Run(
        KeySet keys, IImageModel suspect, NullTable nulls, AttributionOptions options, CancellationToken cancel = default)
    {
        options.Validate();
        if (measure.Name != keys.Header.Metric)
            throw new UserException(
                $"the keys are frozen with metric {keys.Header.Metric}, not {measure.Name}", "Use the metric of the keys.");
        nulls.Check(keys);
        CheckSuspect(keys, suspect, nulls);
        KeyExaminer.CheckSampling(keys, suspect);

        var noise = new NoiseStream(NoisePurpose.Testing, options.Seed, suspect.Identity);
        var outcomes = KeyExaminer.Examine(_store, suspect, keys.Keys, measure, noise, cancel);
        ExaminedKey[] examined = [.. keys.Keys.Select((k, i) => new ExaminedKey(k, outcomes[i].Answer, ToResult(k, outcomes[i], i, keys.Header.Threshold)))];
        return new(Judge(new Examination(keys, outcomes, nulls, options), suspect, examined), keys, nulls, examined);
    }

    private static void CheckSuspect(KeySet keys, IImageModel suspect, NullTable nulls)
    {
        string? role =
            suspect.Identity == keys.Header.SourceIdentity ? "the source itself"
            : keys.Header.SelIdentities.Contains(suspect.Identity) ? "one of the innocents that the keys were selected with"
            : nulls.Models.FirstOrDefault(m => m.Identity == suspect.Identity) is { } m ? $"the reference innocent '{m.Name}'"
            : null;
        if (role is not null)
            throw new UserException(
                $"the suspect '{suspect.Name}' is {role} (same weights)", "A model that the test is built on cannot be tested with it.");
    }

    private static AttributionResult Judge(Examination e, IImageModel suspect, IReadOnlyList<ExaminedKey> examined)
    {
        var (keys, o, threshold) = (e.Keys, e.Options, e.Keys.Header.Threshold);
        TestResult conf = CountTest.Conf(threshold).Run(e), paired = CountTest.Paired.Run(e);
        double p = Math.Max(conf.Test.PValue ?? 1, paired.Test.PValue ?? 1);
        var usability = Usability.Of(examined.Select(k => (k.Key.Prompt, k.Answer)), o.MaxUnusable);
        return new AttributionResult
        {
            Verdict = usability.TooMany ? Verdict.NoVerdict : p <= o.Alpha ? Verdict.Infringing : Verdict.NotShown,
            Reason = usability.TooMany ? VerdictReason.None(usability) : VerdictReason.Of(conf.Test, paired.Test, keys.Header, o.Alpha),
            Suspect = suspect.Name,
            SuspectIdentity = suspect.Identity,
            Remote = suspect.Remote,
            Conf = conf.Share,
            Hits = conf.Test.Count,
            N = conf.Test.Trials,
            Threshold = threshold,
            Metric = keys.Header.Metric,
            PValue = p,
            Alpha = o.Alpha,
            ConfInterval = conf.Interval,
            IntervalLevel = o.IntervalLevel,
            ConfCal = 1 - conf.Test.PValue,
            ConfTest = conf.Test,
            Paired = paired.Share,
            PairedInterval = paired.Interval,
            PairedTest = paired.Test,
            Calibrated = Calibrate(e),
            ConfDetectable = conf.Detectable,
            PairedDetectable = paired.Detectable,
            SmallestDetectableRho = conf.Detectable.SmallestRho is { } a && paired.Detectable.SmallestRho is { } b ? Math.Max(a, b) : null,
            Overlap = o.Overlap,
            KeysetSha256 = keys.Hash,
            Seed = o.Seed,
            Failures = examined.Count(k => k.Answer.Image is null),
            Unusable = usability.TooMany ? usability : null,
            Keys = [.. examined.Where(k => k.Key.ForConfidence).Select(k => k.Result)],
            PairedOnlyKeys = [.. examined.Where(k => !k.Key.ForConfidence).Select(k => k.Result)],
        };
    }

    private static CalibratedConfidence? Calibrate(Examination e)
    {
        double[] pool =
        [
            .. e.Nulls.Of(InnocentSplit.Cal).Where(m => InnocentFamilies.Confidence.Contains(m.Family))
                .SelectMany(m => m.Distances.Where((_, i) => e.Keys.Keys[i].ForConfidence)),
        ];
        if (pool.Length == 0) return null;
        double threshold = Quantile.Of(pool, e.Options.CalibrationQuantile);
        var conf = CountTest.Conf(threshold).Run(e);
        return new(threshold, e.Options.CalibrationQuantile, pool.Length, conf.Test.Count, conf.Share, conf.Interval, conf.Test);
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
