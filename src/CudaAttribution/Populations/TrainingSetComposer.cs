using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Runs;
using CudaAttribution.Served;
using CudaAttribution.Tensors;

namespace CudaAttribution.Populations;

/// <summary>Composes the training set of a model.</summary>
public static class TrainingSetComposer
{
    private const string OriginTag = "origin";
    private const string Generated = "generated";
    private const string RealOrigin = "real";

    /// <summary>
    /// Draws prompts by the plan's regime, has the source make their pictures with fresh noise, and fills up with real pictures. The source is asked as
    /// the pictures are taken, a round at a time, and nothing is held of the rounds before.
    /// </summary>
    /// <exception cref="UserException">An input is missing or too small; or, as the pictures are taken, the source does not answer.</exception>
    public static IEnumerable<CaptionedImage> Compose(
        ModelPlan plan, ModelInputs inputs, Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        plan.Validate();
        var keyPrompts = plan.Regime == PromptRegime.Natural ? [] : KeyPrompts(plan, inputs);
        ServedPicture[] served = plan.Account is { } account ? FromLog(plan, account, inputs) : [];
        string[] prompts = plan.Account is null ? Prompts(plan, inputs, keyPrompts) : [.. served.Select(s => s.Prompt)];
        if (prompts.Length > 0 && inputs.Source is null)
            throw new UserException($"'{plan.Name}' has generated pictures but no source", "Give the source model, or use rho 0.");
        if (plan.SourceGuidance is { } planned && inputs.Source?.Sampling is { } sampling && sampling.Guidance != planned)
            throw new UserException(
                FormattableString.Invariant($"the pictures of '{plan.Name}' are planned with guidance {planned}, the source is opened with {sampling.Guidance}"),
                "Open the source as the plan says.");
        if (prompts.Length > 0 && plan.Role == ModelRole.Innocent && inputs.Keys.Any(k => k.Header.SourceIdentity == inputs.Source!.Identity))
            throw new UserException(
                $"the innocent '{plan.Name}' would be trained on pictures of the owner's source", "Give another source of the same data set.");
        var real = Real(plan, inputs, [.. prompts], keyPrompts);
        return served.Length > 0 ? Downloaded(inputs.Log!, served).Concat(real)
            : prompts.Length > 0 ? Generate(plan, inputs.Source!, prompts, progress, cancel).Concat(real)
            : real;
    }

    /// <summary>The prompts whose pictures the source generated.</summary>
    public static IReadOnlyList<string> GeneratedPrompts(CaptionedDataset set) =>
        [.. set.Items.Where(i => i.Tags.GetValueOrDefault(OriginTag) == Generated).Select(i => i.Caption)];

    private static HashSet<string> KeyPrompts(ModelPlan plan, ModelInputs inputs) => inputs.Keys.Count > 0
        ? [.. inputs.Keys.SelectMany(set => set.Keys).Select(k => k.Prompt)]
        : throw new UserException($"the prompt regime of '{plan.Name}' needs the keys", "Give the key set, or use the regime natural.");

    private static string[] Prompts(ModelPlan plan, ModelInputs inputs, HashSet<string> keyPrompts)
    {
        int count = plan.GeneratedCount;
        if (count == 0) return [];
        string[] pool = [.. inputs.PromptPool.Distinct()];
        if (plan.Regime == PromptRegime.Forced && keyPrompts.Count > count)
            throw new UserException(
                $"'{plan.Name}' has {count} generated pictures for {keyPrompts.Count} key prompts",
                "Use a larger training set, a larger rho, or another regime.");
        if (plan.Regime == PromptRegime.Disjoint) pool = [.. pool.Where(p => !keyPrompts.Contains(p))];
        if (pool.Length == 0) throw new UserException(
            $"there are no prompts for the generated pictures of '{plan.Name}'", "Give a larger pool of prompts.");
        new PhiloxSequence(plan.Seed, Philox.Stream("suspect.prompts")).Shuffle(pool.AsSpan());
        if (plan.Regime == PromptRegime.Forced) pool = [.. keyPrompts.Order(StringComparer.Ordinal), .. pool.Where(p => !keyPrompts.Contains(p))];
        // A prompt comes again only when all have been used; its noise then is another.
        return [.. Enumerable.Range(0, count).Select(i => pool[i % pool.Length])];
    }

    /// <summary>The account's pictures that the plan takes, by chance.</summary>
    private static ServedPicture[] FromLog(ModelPlan plan, string account, ModelInputs inputs)
    {
        var log = inputs.Log ?? throw new UserException($"'{plan.Name}' takes served pictures, but there is no log", "Give the served log.");
        ServedPicture[] served = [.. log.Pictures.Where(p => p.Account == account)];
        if (served.Length < plan.GeneratedCount)
            throw new UserException(
                $"'{plan.Name}' takes {plan.GeneratedCount} pictures that were served to '{account}'; there are {served.Length}",
                "Use a smaller training set or a smaller rho, or serve more.", log.Folder);
        new PhiloxSequence(plan.Seed, Philox.Stream("suspect.served")).Shuffle(served.AsSpan());
        return served[..plan.GeneratedCount];
    }

    private static IEnumerable<CaptionedImage> Downloaded(ServedLog log, IEnumerable<ServedPicture> served) =>
        served.Select((p, i) => new CaptionedImage($"generated/{i:D5}", p.Prompt, log.Read(p), Tags(Generated)));

    private static IEnumerable<CaptionedImage> Generate(
        ModelPlan plan, IImageModel source, string[] prompts, Action<int, int>? progress, CancellationToken cancel)
    {
        const int Round = 32;
        var noise = new NoiseStream(NoisePurpose.TrainingData, plan.Seed, source.Identity);
        for (int start = 0; start < prompts.Length; start += Round)
        {
            cancel.ThrowIfCancellationRequested();
            var queries = prompts.Skip(start).Take(Round).Select((p, i) => noise.Ask(p, start + i)).ToArray();
            foreach (var (i, answer) in source.Answers(queries).Index())
            {
                string prompt = prompts[start + i];
                var image = answer.Image ?? throw new UserException(
                    $"the source gave no picture for '{prompt}' ({answer.Failure})", "Give a source that answers its own prompts.");
                yield return new CaptionedImage($"generated/{start + i:D5}", prompt, image, Tags(Generated));
            }
            progress?.Invoke(start + queries.Length, prompts.Length);
        }
    }

    private static IEnumerable<CaptionedImage> Real(ModelPlan plan, ModelInputs inputs, HashSet<string> used, HashSet<string> keyPrompts)
    {
        int count = plan.Count - plan.GeneratedCount;
        if (count == 0) return [];
        var real = inputs.Real ?? throw new UserException(
            $"'{plan.Name}' has real pictures but no data set", "Give the real pictures, or use rho 1.");
        bool disjoint = plan.Regime == PromptRegime.Disjoint;
        CaptionedImage[] usable = [.. real.Items.Where(i => !used.Contains(i.Caption) && !(disjoint && keyPrompts.Contains(i.Caption)))];
        if (usable.Length < count)
        {
            string apart = disjoint ? "its generated prompts or the keys" : "its generated prompts";
            throw new UserException(
                $"'{plan.Name}' needs {count} real pictures whose captions are not among {apart}; there are {usable.Length}",
                "Use a smaller training set or more real pictures.", real.Source);
        }
        new PhiloxSequence(plan.Seed, Philox.Stream("suspect.real")).Shuffle(usable.AsSpan());
        return usable.Take(count).Select(i => new CaptionedImage($"real/{i.Id}", i.Caption, i.Image, Tags(RealOrigin)));
    }

    private static Dictionary<string, string> Tags(string origin) => new() { [OriginTag] = origin };
}
