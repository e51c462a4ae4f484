using CudaAttribution.Runs;
using CudaAttribution.Runs.Manifests;

namespace CudaAttribution.Answers;

/// <summary>A text-to-image model as an examiner sees it: prompt in, picture out.</summary>
public interface IImageModel
{
    /// <summary>What it is called in tables.</summary>
    string Name { get; }

    /// <summary>
    /// What makes two models the same model: the SHA-256 of a local model's weights, or of a remote model's description without secrets. That no
    /// model is used twice is enforced by it.
    /// </summary>
    string Identity { get; }

    /// <summary>How it is told to make pictures; null where the asker does not decide it.</summary>
    SamplingRecipe? Sampling => null;

    /// <summary>What its answers depend on besides identity, recipe and noise: how it is configured and what computes it.</summary>
    string Setup => "";

    /// <summary>Whether it keeps its answers itself and answers a repeated plan from them.</summary>
    bool KeepsAnswers => false;

    /// <summary>The service behind a remote model and what asking it took so far; null for a model on this machine.</summary>
    ServiceSummary? Remote => null;

    /// <summary>Answers every query, in order; a query that is refused or fails gives a failed answer, never a missing one.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; a remote model has recorded every answer it got.</exception>
    IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries, CancellationToken cancel = default);

    /// <summary>
    /// Answers every query once, in the order in which they are asked; nothing is asked before its answer is wanted, and who stops taking answers stops
    /// the asking. A model that keeps its answers gives those that it has first.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled; a remote model has recorded every answer it got.</exception>
    IEnumerable<AskedAnswer> Ask(IReadOnlyList<Query> queries, CancellationToken cancel = default) => ImageModels.InBatches(this, queries, 1, cancel);
}

/// <summary>One answer of a model that is asked one query after another.</summary>
/// <param name="Query">Number of the query among those that were given.</param>
/// <param name="Answer">The answer.</param>
public readonly record struct AskedAnswer(int Query, Answer Answer);

/// <summary>Calls that every examiner makes.</summary>
public static class ImageModels
{
    /// <summary>Generates, checks that there are as many answers as queries, and takes pictures that show nothing for failures.</summary>
    /// <exception cref="UserException">The model broke its contract.</exception>
    public static IReadOnlyList<Answer> Answers(this IImageModel model, IReadOnlyList<Query> queries, CancellationToken cancel = default)
    {
        var answers = model.Generate(queries, cancel);
        return answers.Count == queries.Count
            ? [.. answers.Select(Usability.Checked)]
            : throw new UserException(
                $"the model '{model.Name}' gave {answers.Count} answers to {queries.Count} queries",
                "A model must answer each query once, in order.");
    }

    /// <summary>Asks the queries in their order, so many at once.</summary>
    internal static IEnumerable<AskedAnswer> InBatches(IImageModel model, IReadOnlyList<Query> queries, int size, CancellationToken cancel)
    {
        foreach (int[] batch in Enumerable.Range(0, queries.Count).Chunk(size))
        {
            var answers = model.Answers([.. batch.Select(i => queries[i])], cancel);
            for (int k = 0; k < batch.Length; k++) yield return new(batch[k], answers[k]);
        }
    }
}
