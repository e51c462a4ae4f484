using CudaAttribution.Models.Configuration;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.Sources;

/// <summary>A part of a model with weights, in a folder of its own in diffusers' layout.</summary>
/// <param name="Name">Name of the folder.</param>
/// <param name="What">What to call the part in messages.</param>
/// <param name="Stems">Names of its weight files without their endings; the first is written.</param>
internal sealed record ComponentFolder(string Name, string What, params string[] Stems)
{
    public const string ConfigFile = "config.json";

    public static readonly ComponentFolder UNet = new("unet", "the UNet", ComponentWeights.Diffusers);

    public static readonly ComponentFolder Vae = new("vae", "the autoencoder", ComponentWeights.Diffusers);

    public static readonly ComponentFolder TextEncoder =
        new("text_encoder", "the text encoder", ComponentWeights.Transformers, ComponentWeights.TransformersPickled);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ComponentFolder> All { get; } = [UNet, Vae, TextEncoder];

    /// <summary>Path of the configuration.</summary>
    public string Config(string model) => Path.Combine(model, Name, ConfigFile);

    /// <summary>Path of the weights as this program writes them.</summary>
    public string Weights(string model) => Path.Combine(model, Name, Stems[0] + ".safetensors");

    /// <summary>The weights in any of the forms that diffusers and transformers write: also sharded or pickled.</summary>
    /// <exception cref="ModelFileException">There are none, or they cannot be read.</exception>
    public IWeightSource Open(string model) => ComponentWeights.Open(Path.Combine(model, Name), Stems);
}
