using CudaAttribution.Models.Files.Lora;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Models.Schedulers;

namespace CudaAttribution.Models.Files.Sources;

/// <summary>An adapter that is added to a model's weights while they are read.</summary>
/// <param name="Path">Its file, see <see cref="LoraAdapter"/>.</param>
/// <param name="Scale">Its strength; 1 is as trained.</param>
public sealed record AdapterReference(string Path, float Scale = 1);

/// <summary>
/// A model on disk: a folder in diffusers' layout, or a single file in Stable Diffusion's original layout; and what to take in place of, or beside,
/// what is there.
/// </summary>
/// <param name="Path">The folder, or the file.</param>
public sealed record ModelReference(string Path)
{
    /// <summary>
    /// Configurations in place of the model's own or the derived ones: diffusers' <c>config.json</c> of a UNet or an autoencoder,
    /// <c>scheduler_config.json</c>, or transformers' <c>config.json</c> of the text encoder; at most one of each.
    /// </summary>
    public IReadOnlyList<string> Configs { get; init; } = [];

    /// <summary>Adapters, added one after the other.</summary>
    public IReadOnlyList<AdapterReference> Adapters { get; init; } = [];

    /// <summary>Which of the UNet's weights to take from a single file that has both; a folder has but the plain ones.</summary>
    public UNetWeights UNetWeights { get; init; } = UNetWeights.Plain;

    /// <summary>
    /// What the UNet of a single file predicts; null guesses (<see cref="SingleFileCheckpoint.DefaultPrediction"/>). A folder says it itself.
    /// </summary>
    public PredictionType? Prediction { get; init; }

    public static implicit operator ModelReference(string path) => new(path);
}
