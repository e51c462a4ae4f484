using CudaAttribution.Data;

namespace CudaAttribution;

/// <summary>A text-to-image model as an examiner sees it: prompt in, picture out.</summary>
public interface IImageModel
{
    /// <summary>What it is called in tables.</summary>
    string Name { get; }

    /// <summary>
    /// What makes two models the same model: the SHA-256 of a local model's weights and configuration. No double dipping is enforced by it.
    /// </summary>
    string Identity { get; }

    /// <summary>Answers every query, in order; a query that is refused or fails gives a failed answer, never a missing one.</summary>
    IReadOnlyList<Answer> Generate(IReadOnlyList<Query> queries);
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
    /// <exception cref="AttributionException">The model broke its contract.</exception>
    public static IReadOnlyList<Answer> Answers(this IImageModel model, IReadOnlyList<Query> queries)
    {
        var answers = model.Generate(queries);
        return answers.Count == queries.Count
            ? answers
            : throw new AttributionException(
                $"the model '{model.Name}' gave {answers.Count} answers to {queries.Count} queries",
                "A model must answer each query once, in order.");
    }
}
