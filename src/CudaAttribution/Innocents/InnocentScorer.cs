using CudaAttribution.Distances;
using CudaAttribution.Keys;
using CudaAttribution.Querying;

namespace CudaAttribution.Innocents;

/// <summary>Puts the frozen keys to the CAL and NULL innocents, each with noise of its own.</summary>
public sealed class InnocentScorer(IReconstructionDistance distance)
{
    /// <summary>The CAL and NULL members of a set, each opened when its turn comes.</summary>
    /// <param name="set">The innocents.</param>
    /// <param name="open">Opens a model folder under a name.</param>
    public static IReadOnlyList<(Innocent Member, Func<IImageModel> Open)> MembersOf(InnocentSet set, Func<string, string, IImageModel> open) =>
        [.. set.Members.Where(m => m.Split != InnocentSplit.Sel).Select(m => (m, (Func<IImageModel>)(() => open(set.PathOf(m), m.Name))))];

    /// <summary>Asks every innocent every key once.</summary>
    /// <param name="keys">The frozen keys.</param>
    /// <param name="innocents">CAL and NULL innocents with their opened models.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="progress">Models done of all.</param>
    /// <param name="cancel">Stops between models.</param>
    /// <exception cref="AttributionException">A model shaped the keys, occurs twice, or is not the one that the set names.</exception>
    public NullTable Score(
        KeySet keys, IReadOnlyList<(Innocent Member, Func<IImageModel> Open)> innocents, ulong seed, Action<int, int>? progress = null,
        CancellationToken cancel = default)
    {
        if (distance.Name != keys.Header.Metric)
            throw new AttributionException(
                $"the keys are frozen with metric {keys.Header.Metric}, not {distance.Name}", "Use the metric of the keys.");
        NullTable.CheckIdentities(innocents.Select(i => (i.Member.Name, i.Member.Split, i.Member.Identity)), keys);
        var models = new List<NullModel>();
        foreach (var (member, open) in innocents)
        {
            cancel.ThrowIfCancellationRequested();
            var model = open();
            try
            {
                models.Add(Score(keys, member, model, seed));
            }
            finally
            {
                (model as IDisposable)?.Dispose();
            }
            progress?.Invoke(models.Count, innocents.Count);
        }
        return new NullTable { KeysetSha256 = keys.Hash, Metric = distance.Name, Threshold = keys.Header.Threshold, Seed = seed, Models = models };
    }

    private NullModel Score(KeySet keys, Innocent member, IImageModel model, ulong seed)
    {
        if (model.Identity != member.Identity)
        {
            throw new AttributionException(
                $"the innocent '{member.Name}' is not the model that {InnocentSet.FileName} names (its weights changed)",
                "Build the innocents again, or restore the folder.");
        }
        KeyExaminer.CheckSampling(keys, model);
        var purpose = member.Split == InnocentSplit.Cal ? NoisePurpose.Calibration : NoisePurpose.NullScoring;
        var outcomes = KeyExaminer.Examine(model, keys.Keys, distance, new NoiseStream(purpose, seed, model.Identity));
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
