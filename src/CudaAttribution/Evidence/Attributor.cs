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
public sealed class Attributor(IReconstructionDistance distance)
{
    /// <summary>Queries the suspect once per key and tests the counts.</summary>
    /// <exception cref="UserException">Keys, null table and suspect do not belong together.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while the suspect was asked.</exception>
    public AttributionRun Run(
        KeySet keys, IImageModel suspect, NullTable nulls, AttributionOptions options, CancellationToken cancel = default)
    {
        options.Validate();
        if (distance.Name != keys.Header.Metric)
            throw new UserException(
                $"the keys are frozen with metric {keys.Header.Metric}, not {distance.Name}", "Use the metric of the keys.");
        nulls.Check(keys);
        CheckSuspect(keys, suspect, nulls);
        KeyExaminer.CheckSampling(keys, suspect);

        var noise = new NoiseStream(NoisePurpose.Testing, options.Seed, suspect.Identity);
        var outcomes = KeyExaminer.Examine(suspect, keys.Keys, distance, noise, cancel);
        return new(Judge(keys, suspect, nulls, outcomes, options), keys, nulls, [.. outcomes.Select(o => o.Answer)]);
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

    private static AttributionResult Judge(
        KeySet keys, IImageModel suspect, NullTable nulls, IReadOnlyList<KeyOutcome> outcomes, AttributionOptions o)
    {
        double threshold = keys.Header.Threshold;
        int n = keys.ConfidenceCount, hits = KeyExaminer.Hits(keys.Keys, outcomes, threshold);
        int pairedN = keys.PairedCount, wins = KeyExaminer.PairedWins(keys.Keys, outcomes);
        var confFamilies = Families(nulls, InnocentFamilies.Confidence, m => m.HitsAt(threshold, keys.Keys), n);
        var pairedFamilies = Families(nulls, InnocentFamilies.Paired, m => m.PairedWins, pairedN);
        var conf = NullTest.Run(confFamilies, hits, n, o.Alpha);
        var paired = NullTest.Run(pairedFamilies, wins, pairedN, o.Alpha);
        var confDetectable = Detectability.Of(confFamilies, conf, (double)keys.Header.SourceRate.Hits / n, o.Power);
        var pairedDetectable = Detectability.Of(pairedFamilies, paired, (double)keys.Header.SourceRate.Paired / pairedN, o.Power);
        double p = Math.Max(conf.PValue ?? 1, paired.PValue ?? 1);
        KeyResult[] results = [.. keys.Keys.Select((k, i) => ToResult(k, outcomes[i], i, threshold))];
        return new AttributionResult
        {
            Verdict = p <= o.Alpha ? Verdict.Infringing : Verdict.NotShown,
            Reason = VerdictReason.Of(conf, paired, keys.Header, o.Alpha),
            Suspect = suspect.Name,
            SuspectIdentity = suspect.Identity,
            Remote = suspect.Remote,
            Conf = (double)hits / n,
            Hits = hits,
            N = n,
            Threshold = threshold,
            Metric = keys.Header.Metric,
            PValue = p,
            Alpha = o.Alpha,
            ConfInterval = ShareInterval.ClopperPearson(hits, n, o.IntervalLevel),
            IntervalLevel = o.IntervalLevel,
            ConfCal = 1 - conf.PValue,
            ConfTest = conf,
            Paired = (double)wins / pairedN,
            PairedInterval = ShareInterval.ClopperPearson(wins, pairedN, o.IntervalLevel),
            PairedTest = paired,
            Calibrated = Calibrate(keys, nulls, outcomes, o),
            ConfDetectable = confDetectable,
            PairedDetectable = pairedDetectable,
            SmallestDetectableRho = confDetectable.SmallestRho is { } a && pairedDetectable.SmallestRho is { } b ? Math.Max(a, b) : null,
            Overlap = o.Overlap,
            KeysetSha256 = keys.Hash,
            Seed = o.Seed,
            Failures = outcomes.Count(r => r.Answer.Image is null),
            Keys = [.. results.Where((_, i) => keys.Keys[i].ForConfidence)],
            PairedOnlyKeys = [.. results.Where((_, i) => !keys.Keys[i].ForConfidence)],
        };
    }

    private static CalibratedConfidence? Calibrate(KeySet keys, NullTable nulls, IReadOnlyList<KeyOutcome> outcomes, AttributionOptions o)
    {
        double[] pool =
        [
            .. nulls.Of(InnocentSplit.Cal).Where(m => InnocentFamilies.Confidence.Contains(m.Family))
                .SelectMany(m => m.Distances.Where((_, i) => keys.Keys[i].ForConfidence)),
        ];
        if (pool.Length == 0) return null;
        double threshold = Quantile.Of(pool, o.CalibrationQuantile);
        int n = keys.ConfidenceCount, hits = KeyExaminer.Hits(keys.Keys, outcomes, threshold);
        var families = Families(nulls, InnocentFamilies.Confidence, m => m.HitsAt(threshold, keys.Keys), n);
        return new(
            threshold, o.CalibrationQuantile, pool.Length, hits, (double)hits / n, ShareInterval.ClopperPearson(hits, n, o.IntervalLevel),
            NullTest.Run(families, hits, n, o.Alpha));
    }

    private static FamilyNull[] Families(NullTable nulls, IReadOnlyList<InnocentFamily> families, Func<NullModel, int> count, int trials) =>
    [
        .. families
            .Select(f => (Family: f, Counts: nulls.Of(InnocentSplit.Null).Where(m => m.Family == f).Select(count).ToArray()))
            .Where(f => f.Counts.Length > 0)
            .Select(f => new FamilyNull(f.Family.Name(), f.Counts, trials)),
    ];

    private static KeyResult ToResult(Key key, KeyOutcome outcome, int index, double threshold) => new(
        key.Prompt,
        outcome.Distance(key),
        outcome.Distance(key) <= threshold,
        key.Reference,
        outcome.ToTraining,
        outcome.ToMedoid,
        outcome.CloserToSource,
        key.ForPaired,
        outcome.Answer.Image is null ? null : AttributionResult.AnswerImage(index),
        outcome.Answer.Failure);
}
