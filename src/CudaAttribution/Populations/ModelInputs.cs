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

    /// <summary>
    /// Key sets of the owner's; needed by the regimes forced and disjoint, which are fitted to the prompts of all of them. κ is that of the first.
    /// </summary>
    public IReadOnlyList<KeySet> Keys { get; init; } = [];
}
