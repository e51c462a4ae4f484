using CudaAttribution.Answers;
using CudaAttribution.Keys;
using CudaAttribution.Measures;
using CudaAttribution.Populations;
using CudaAttribution.Runs;

namespace CudaAttribution.Evidence;

/// <summary>Puts the frozen keys to the CAL and NULL innocents, each with noise of its own.</summary>
/// <param name="measure">The measure of the keys.</param>
/// <param name="store">Keeps the answers; null keeps them in memory.</param>
public sealed class InnocentScorer(IPictureMeasure measure, AnswerStore? store = null)
{
    private readonly AnswerStore _store = store ?? AnswerStore.InMemory();

    /// <summary>The CAL and NULL members of a set.</summary>
    /// <param name="set">The innocents.</param>
    /// <param name="open">Opens a model folder under a name.</param>
    public static IReadOnlyList<(Innocent Member, UnopenedModel Model)> MembersOf(InnocentSet set, Func<string, string, IImageModel> open) =>
        [.. set.Members.Where(m => m.Split != InnocentSplit.Sel).Select(m => (m, set.Unopened(m, open)))];

    /// <summary>Asks every innocent every key once.</summary>
    /// <param name="keys">The frozen keys.</param>
    /// <param name="innocents">CAL and NULL innocents with their models, opened one after another.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="progress">Models done of all.</param>
    /// <param name="cancel">Stops between models.</param>
    /// <exception cref="UserException">A model shaped the keys, occurs twice, or is not the one that the set names.</exception>
    public NullTable Score(
        KeySet keys, IReadOnlyList<(Innocent Member, UnopenedModel Model)> innocents, ulong seed, Action<int, int>? progress = null,
        CancellationToken cancel = default)
    {
        if (measure.Name != keys.Header.Metric)
            throw new UserException(
                $"the keys are frozen with metric {keys.Header.Metric}, not {measure.Name}", "Use the metric of the keys.");
        NullTable.CheckIdentities(innocents.Select(i => (i.Member.Name, i.Member.Split, i.Member.Identity)), keys);
        var models = new List<NullModel>();
        foreach (var (member, unopened) in innocents)
        {
            cancel.ThrowIfCancellationRequested();
            models.Add(unopened.Use(model => Score(keys, member, model, seed, cancel)));
            progress?.Invoke(models.Count, innocents.Count);
        }
        return new NullTable { KeysetSha256 = keys.Hash, Metric = measure.Name, Threshold = keys.Header.Threshold, Seed = seed, Models = models };
    }

    private NullModel Score(KeySet keys, Innocent member, IImageModel model, ulong seed, CancellationToken cancel)
    {
        KeyExaminer.CheckSampling(keys, model);
        var purpose = member.Split == InnocentSplit.Cal ? NoisePurpose.Calibration : NoisePurpose.NullScoring;
        var outcomes = KeyExaminer.Examine(
            _store, model, keys.Keys, measure, new NoiseStream(purpose, seed, model.Identity), cancel);
        return new NullModel(
            member.Name, member.Family, member.Split, member.Identity,
            [.. keys.Keys.Zip(outcomes).Select(p => p.Second.Distance(p.First))],
            [.. outcomes.Select(o => o.ToTraining)],
            [.. outcomes.Select(o => o.ToMedoid)],
            KeyExaminer.Hits(keys.Keys, outcomes, keys.Header.Threshold),
            KeyExaminer.PairedWins(keys.Keys, outcomes),
            outcomes.Count(o => o.Answer.Image is null));
    }
}
