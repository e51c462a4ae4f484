using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Runs;

namespace CudaAttribution.Keys;

/// <summary>
/// Selects keys by Strategy 1, Strategy 2 or Baseline 2 (docs/method.md "Keys"). The source is only run, nothing is trained; the noise is that of
/// <see cref="NoisePurpose.Selection"/>, never used again.
/// </summary>
/// <param name="measure">The measure.</param>
/// <param name="store">Keeps the answers; null keeps them in memory.</param>
public sealed class KeySelector(IPictureMeasure measure, AnswerStore? store = null)
{
    private readonly AnswerStore _store = store ?? AnswerStore.InMemory();

    /// <summary>Selects and freezes.</summary>
    /// <param name="source">The owner's model.</param>
    /// <param name="training">What it was fine-tuned on: prompts with the real pictures.</param>
    /// <param name="innocents">SEL innocents, opened one after another; empty leaves out n and its filter.</param>
    /// <param name="options">The rules.</param>
    /// <param name="progress">Pictures drawn, of all.</param>
    /// <param name="cancel">Stops between portions of pictures; what was drawn is kept.</param>
    /// <param name="askable">Whether every suspect can be asked a prompt as it stands; the others are no candidates. Null takes all.</param>
    /// <exception cref="UserException">Too few candidates pass; the message says which filter took how many.</exception>
    public KeySet Select(
        IImageModel source,
        CaptionedDataset training,
        IReadOnlyList<UnopenedModel> innocents,
        KeySelectionOptions options,
        Action<int, int>? progress = null,
        CancellationToken cancel = default,
        Func<string, bool>? askable = null)
    {
        options.Validate();
        if (innocents.Any(b => b.Identity == source.Identity))
            throw new UserException("the source is among the SEL innocents", "Give innocents that never saw the source's pictures.");
        bool random = options.Strategy == KeyStrategy.Random;
        double threshold = options.Threshold ?? measure.DefaultThreshold;
        var reference = options.Strategy == KeyStrategy.Generate ? KeyReference.Medoid : KeyReference.Training;
        int notAskable = askable is null ? 0 : training.Items.Count(i => !askable(i.Caption));
        var pool = Pool(Askable(training, options, notAskable, askable), options);
        var candidates = Measure(source, pool, random ? [] : innocents, reference, options, progress, cancel);

        int unanswered = pool.Count - candidates.Count, notDistinctive = 0, inconsistent = 0, notDivergent = 0, biased = 0;
        var passing = new List<Candidate>();
        foreach (var c in candidates)
        {
            if (!random && c.Innocent <= threshold) notDistinctive++;
            else if (!random && c.Dispersion > options.MaxDispersion) inconsistent++;
            else if (!random && c.Divergence <= options.MinDivergence && options.MinDivergence > 0) notDivergent++;
            else if (!random && c.InnocentPaired > options.MaxInnocentPaired) biased++;
            else passing.Add(c);
        }
        var ranked = random ? passing : [.. passing.OrderBy(c => Score(c, options))];
        var (chosen, duplicates) = TakeDistinct(ranked, options.Count, random ? -1 : threshold, reference);
        var report = new SelectionReport(pool.Count, unanswered, notDistinctive, inconsistent, notDivergent, biased, duplicates, chosen.Count, 0, notAskable);
        if (chosen.Count < options.Count) throw TooFew(report, options, innocents.Count > 0);

        var paired = options.PairedCount is { } count
            ? TakeDistinct([.. passing.OrderByDescending(c => c.Divergence)], count, random ? -1 : threshold, reference).Chosen
            : chosen;
        if (paired.Count < options.PairedCount)
        {
            throw new UserException(
                $"{options.PairedCount} paired keys are wanted, {paired.Count} are left ({report})",
                "Ask for fewer paired keys or give the source more training pairs.");
        }
        Candidate[] all = [.. chosen, .. paired.Except(chosen)];
        Key[] keys = [.. all.Select(c => ToKey(c, reference, random ? null : Score(c, options), chosen.Contains(c), paired.Contains(c)))];
        return new KeySet(
            new KeySetHeader
            {
                Metric = measure.Name,
                Threshold = threshold,
                Options = options,
                SourceName = source.Name,
                SourceIdentity = source.Identity,
                Sampling = source.Remote is null ? source.Sampling : null,
                TrainingHash = training.Hash,
                SelIdentities = random ? [] : [.. innocents.Select(b => b.Identity)],
                Selection = report with { PairedOnly = all.Length - chosen.Count },
                SourceRate = Rate(source, keys, threshold, options.Seed, cancel),
            },
            keys);
    }

    private static double Score(Candidate c, KeySelectionOptions o) =>
        (o.Strategy == KeyStrategy.Detect ? c.Reconstruction : c.Dispersion) - o.Lambda * (c.Innocent ?? 0) - o.DivergenceWeight * c.Divergence;

    private static Key ToKey(Candidate c, KeyReference reference, double? score, bool forConfidence, bool forPaired) => new()
    {
        Prompt = c.Pair.Caption,
        TrainingId = c.Pair.Id,
        Training = c.Pair.Image.Read(),
        Medoid = c.ReadMedoid(),
        Reference = reference,
        Dispersion = c.Dispersion,
        Reconstruction = c.Reconstruction,
        Innocent = c.Innocent,
        InnocentPaired = c.InnocentPaired,
        Score = score,
        Divergence = c.Divergence,
        ForConfidence = forConfidence,
        ForPaired = forPaired,
    };

    private static CaptionedDataset Askable(CaptionedDataset training, KeySelectionOptions options, int left, Func<string, bool>? askable)
    {
        if (left == 0) return training;
        if (training.Count - left < options.Count)
            throw new UserException(
                $"{options.Count} keys are wanted and of {training.Count} pairs {left} have prompts that a suspect does not take as text",
                "Ask for fewer keys, or select for fewer suspects.", training.Source);
        return training.Where(i => askable!(i.Caption));
    }

    private static CaptionedDataset Pool(CaptionedDataset training, KeySelectionOptions options)
    {
        bool random = options.Strategy == KeyStrategy.Random;
        int wanted = Math.Min(training.Count, random ? Math.Max(options.Count, options.PairedCount ?? 0) : options.Candidates ?? training.Count);
        if (training.Count < options.Count)
        {
            throw new UserException(
                $"{options.Count} keys are wanted and the training set has {training.Count} pairs",
                "Ask for fewer keys or give the whole training set.", training.Source);
        }
        return wanted == training.Count && !random ? training : training.Shuffle(options.Seed).Take(wanted);
    }

    private List<Candidate> Measure(
        IImageModel source, CaptionedDataset pool, IReadOnlyList<UnopenedModel> innocents, KeyReference reference, KeySelectionOptions options,
        Action<int, int>? progress, CancellationToken cancel)
    {
        string[] prompts = [.. pool.Items.Select(i => i.Caption)];
        int asked = 0, total = prompts.Length * (options.EffectiveDraws + (innocents.Count * options.InnocentDraws));
        var draws = Ask(source, options.EffectiveDraws);
        var others = innocents.Select(b => b.Use(model => Ask(model, options.InnocentDraws))).ToArray();
        var result = new List<Candidate>();
        for (int i = 0; i < pool.Count; i++)
        {
            cancel.ThrowIfCancellationRequested();
            if (Candidate.Measure(pool.Items[i], draws, i, measure) is not { } candidate) continue;
            if (innocents.Count > 0) candidate.MeasureInnocents(others.SelectMany(o => o.To(i)), reference, measure);
            result.Add(candidate);
        }
        return result;

        AnswerSheet Ask(IImageModel model, int each)
        {
            var noise = new NoiseStream(NoisePurpose.Selection, options.Seed, model.Identity);
            var sheet = _store.Ask(model, prompts, each, noise, (done, _) => progress?.Invoke(asked + done, total), cancel);
            asked += prompts.Length * each;
            return sheet;
        }
    }

    /// <summary>Takes candidates in order, leaving out those whose prompt or reference is already there.</summary>
    private (List<Candidate> Chosen, int Duplicates) TakeDistinct(
        IReadOnlyList<Candidate> ranked, int count, double threshold, KeyReference reference)
    {
        if (threshold < 0) return ([.. ranked.Take(count)], 0);
        var chosen = new List<(Candidate Candidate, RgbImage Reference)>();
        int duplicates = 0;
        foreach (var c in ranked)
        {
            if (chosen.Count == count) break;
            var image = c.ReadReference(reference);
            if (chosen.Any(k => k.Candidate.Pair.Caption == c.Pair.Caption || measure.Between(k.Reference, image) <= threshold)) duplicates++;
            else chosen.Add((c, image));
        }
        return ([.. chosen.Select(k => k.Candidate)], duplicates);
    }

    private SourceRate Rate(IImageModel source, Key[] keys, double threshold, ulong seed, CancellationToken cancel)
    {
        var outcomes = KeyExaminer.Examine(_store, source, keys, measure, new NoiseStream(NoisePurpose.SourceRate, seed, source.Identity), cancel);
        return new(KeyExaminer.Hits(keys, outcomes, threshold), KeyExaminer.PairedWins(keys, outcomes));
    }

    private static UserException TooFew(SelectionReport report, KeySelectionOptions options, bool hasInnocents)
    {
        (int Lost, string Remedy)[] filters =
        [
            (report.Unanswered, "make the source answer its own captions"),
            (report.NotDistinctive, hasInnocents ? "use other SEL innocents, fewer draws of them, or a smaller threshold" : ""),
            (report.Inconsistent, "allow a larger dispersion"),
            (report.NotDivergent, "ask for less divergence"),
            (report.Biased, "allow a larger share of innocents closer to the source's picture"),
            (report.Duplicates, "use a smaller threshold or a training set with fewer look-alikes"),
        ];
        var worst = filters.MaxBy(f => f.Lost);
        string loosen = worst.Lost == 0 ? "give more training pairs" : worst.Remedy;
        return new($"{options.Count} keys are wanted, {report.Selected} are left. {report}", $"Ask for fewer keys, or {loosen}.");
    }
}
