using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Keys;
using CudaAttribution.Served;

namespace CudaAttribution.Populations;

/// <summary>What a model is built from besides the base model.</summary>
public sealed record ModelInputs
{
    /// <summary>The model that generates; null for ρ = 0.</summary>
    public IImageModel? Source { get; init; }

    /// <summary>What the source has served; for plans that name an account.</summary>
    public ServedLog? Log { get; init; }

    /// <summary>Prompts that generated pictures are drawn from.</summary>
    public IReadOnlyList<string> PromptPool { get; init; } = [];

    /// <summary>Real pictures; null for ρ = 1.</summary>
    public CaptionedDataset? Real { get; init; }

    /// <summary>The owner's keys; needed by the regimes forced and disjoint, and then κ is recorded.</summary>
    public KeySet? Keys { get; init; }
}
