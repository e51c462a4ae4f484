using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Runs;

namespace CudaAttribution.Twins;

/// <summary>
/// The source-swap test on pictures (docs/method.md "Source swap"). Source and twins are treated alike: exchanging any two of them exchanges their
/// scores and changes no bit of anything else.
/// </summary>
/// <param name="set">The source and its twins.</param>
/// <param name="measure">What prompts are chosen by; its distance of a pair depends on no other picture.</param>
public sealed class SourceSwap(TwinSet set, IPictureMeasure measure)
{
    /// <summary>
    /// <see cref="SwapChoice.Contrast"/> of each prompt, which is what prompts are chosen by. The pictures of one prompt are compared at a time, all with
    /// all.
    /// </summary>
    /// <param name="progress">Prompts done, of all.</param>
    /// <param name="cancel">Stops between two prompts.</param>
    public double[] Contrasts(Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        var contrasts = new double[set.Design.Prompts.Count];
        for (int prompt = 0; prompt < contrasts.Length; prompt++)
        {
            cancel.ThrowIfCancellationRequested();
            var pictures = measure.Prepare(All(prompt));
            contrasts[prompt] = SwapChoice.Contrast(measure.Matrix(pictures, pictures), set.Design.Draws);
            progress?.Invoke(prompt + 1, contrasts.Length);
        }
        return contrasts;
    }

    /// <summary>
    /// The prompts that tell the models apart best, sharpest first; all of them, in their order, where as many are wanted as there are.
    /// </summary>
    /// <param name="count">How many at most.</param>
    /// <param name="notAskable">Numbers of prompts that are left out.</param>
    /// <param name="progress">Prompts looked at, of all.</param>
    /// <param name="cancel">Stops between two prompts.</param>
    /// <returns>Their numbers, in the order in which they are asked.</returns>
    public int[] Choose(int count, IReadOnlyCollection<int> notAskable, Action<int, int>? progress = null, CancellationToken cancel = default)
    {
        int prompts = set.Design.Prompts.Count;
        IEnumerable<int> order = count >= prompts - notAskable.Count ? Enumerable.Range(0, prompts) : SwapChoice.Sharpest(Contrasts(progress, cancel), prompts);
        return [.. order.Except(notAskable).Take(count)];
    }

    /// <summary>Tests a suspect.</summary>
    /// <param name="asked">Numbers of the prompts, each with the suspect's pictures for it. What did not answer is left out.</param>
    /// <exception cref="UserException">A prompt is asked twice, or there is none.</exception>
    public SourceSwapTest Test(IReadOnlyList<(int Prompt, IReadOnlyList<RgbImage> Answers)> asked)
    {
        if (asked.Count == 0) throw new UserException("no prompt was answered", "Ask a suspect that answers.");
        if (asked.GroupBy(a => a.Prompt).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new UserException($"the prompt number {twice.Key} is there {twice.Count()} times", "Give all its answers at once.");
        return SourceSwapTest.Of([.. asked.Select(a => DeviationCosine.Of(set.Pictures(a.Prompt), a.Answers))]);
    }

    private RgbImage[] All(int prompt) => [.. set.Pictures(prompt).SelectMany(pictures => pictures)];
}
