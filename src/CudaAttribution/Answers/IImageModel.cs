using CudaAttribution.Images;
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
}

/// <summary>A picture, or why there is none.</summary>
public sealed record Answer
{
    private Answer(RgbImage? image, string? failure) => (Image, Failure) = (image, failure);

    public RgbImage? Image { get; }

    /// <summary>Why there is no picture; null where there is one.</summary>
    public string? Failure { get; }

    public static Answer Of(RgbImage image) => new(image, null);

    public static Answer Failed(string reason) => new(null, reason);
}

/// <summary>Calls that every examiner makes.</summary>
public static class ImageModels
{
    /// <summary>Generates and checks that there are as many answers as queries.</summary>
    /// <exception cref="UserException">The model broke its contract.</exception>
    public static IReadOnlyList<Answer> Answers(this IImageModel model, IReadOnlyList<Query> queries, CancellationToken cancel = default)
    {
        var answers = model.Generate(queries, cancel);
        return answers.Count == queries.Count
            ? answers
            : throw new UserException(
                $"the model '{model.Name}' gave {answers.Count} answers to {queries.Count} queries",
                "A model must answer each query once, in order.");
    }
}
