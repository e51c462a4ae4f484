using CudaAttribution.Answers;
using CudaAttribution.Measures;
using CudaAttribution.Runs;

namespace CudaAttribution.Keys;

/// <summary>One key put to one model.</summary>
/// <param name="Answer">The answer.</param>
/// <param name="ToTraining">d(answer, x); the metric's maximum where there is no answer.</param>
/// <param name="ToMedoid">d(answer, r); the metric's maximum where there is no answer.</param>
public sealed record KeyOutcome(Answer Answer, double ToTraining, double ToMedoid)
{
    /// <summary>Distance to the picture that conf compares with.</summary>
    public double Distance(Key key) => key.Reference == KeyReference.Training ? ToTraining : ToMedoid;

    /// <summary>W of the paired test: closer to the source's picture than to the real one. A tie, and a missing answer, is no win.</summary>
    public bool CloserToMedoid => ToMedoid < ToTraining;
}

/// <summary>Puts keys to a model. A refused or failed answer is a miss at the metric's maximum, never dropped.</summary>
public static class KeyExaminer
{
    /// <summary>
    /// Refuses a model that is told to sample otherwise than the source was when the keys were chosen: its distances would not compare.
    /// </summary>
    /// <exception cref="UserException">The two differ.</exception>
    public static void CheckSampling(KeySet keys, IImageModel model)
    {
        if (keys.Header.Sampling is not { } sampling) return;
        // Nobody but the one who runs a model decides how it is decoded.
        if (model.Remote is not null) sampling = sampling with { Tile = null };
        if (model.Sampling is { } own && own != sampling)
        {
            throw new UserException(
                $"'{model.Name}' is sampled with {own}, the keys with {sampling}", "Sample every model as the keys say.");
        }
    }

    /// <summary>One query per key, outcome i for key i.</summary>
    public static IReadOnlyList<KeyOutcome> Examine(
        AnswerStore store, IImageModel model, IReadOnlyList<Key> keys, IPictureMeasure measure, NoiseStream noise,
        CancellationToken cancel = default) =>
        Measure(store.Ask(model, [.. keys.Select(k => k.Prompt)], draws: 1, noise, cancel: cancel), keys, measure);

    /// <summary>Hits among the keys of conf: distance at most <paramref name="threshold"/>.</summary>
    public static int Hits(IReadOnlyList<Key> keys, IReadOnlyList<KeyOutcome> outcomes, double threshold) =>
        keys.Zip(outcomes).Count(p => p.First.ForConfidence && p.Second.Distance(p.First) <= threshold);

    /// <summary>Wins among the keys of the paired test.</summary>
    public static int PairedWins(IReadOnlyList<Key> keys, IReadOnlyList<KeyOutcome> outcomes) =>
        keys.Zip(outcomes).Count(p => p.First.ForPaired && p.Second.CloserToMedoid);

    private static KeyOutcome[] Measure(AnswerSheet answers, IReadOnlyList<Key> keys, IPictureMeasure measure)
    {
        var sheet = MeasuredSheet.Of(measure, answers, i => [keys[i].Training, keys[i].Medoid]);
        return [.. keys.Select((_, i) => new KeyOutcome(answers[i], sheet[i, 0, 0], sheet[i, 0, 1]))];
    }
}
