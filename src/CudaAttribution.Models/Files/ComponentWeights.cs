using CudaAttribution.Models.Configuration;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files;

/// <summary>
/// Finds the weights of a part of a model in its folder in diffusers' layout, in the forms in which diffusers and transformers write them.
/// </summary>
public static class ComponentWeights
{
    /// <summary>What the files of a UNet or an autoencoder are called.</summary>
    public const string Diffusers = "diffusion_pytorch_model";

    /// <summary>What the files of a text encoder are called.</summary>
    public const string Transformers = "model", TransformersPickled = "pytorch_model";

    /// <summary>What is tried after a stem, best first: full precision before half, safetensors before pickles, one file before several.</summary>
    private static readonly string[] Suffixes =
    [
        ".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json",
        ".fp16.safetensors", ".safetensors.index.fp16.json", ".fp16.bin", ".bin.index.fp16.json",
    ];

    /// <summary>Path of the weights in a folder.</summary>
    /// <param name="folder"><c>unet</c>, <c>vae</c> or <c>text_encoder</c> of a model.</param>
    /// <param name="stems">Names of the files without their endings, in order of preference.</param>
    /// <exception cref="ModelFileException">There are none.</exception>
    public static string Find(string folder, params string[] stems)
    {
        foreach (string suffix in Suffixes)
        {
            if (stems.Select(s => Path.Combine(folder, s + suffix)).FirstOrDefault(File.Exists) is { } path) return path;
        }
        string wanted = Path.Combine(folder, stems[0] + Suffixes[0]);
        throw new ModelFileException(
            $"{wanted} does not exist, and none of the other forms ({string.Join(", ", Suffixes[1..])}): it holds the weights. Point at a complete "
            + "model folder, or make one with 'cudattr train'");
    }

    /// <summary>Opens the weights in a folder.</summary>
    /// <exception cref="ModelFileException">There are none, or they cannot be read.</exception>
    public static IWeightSource Open(string folder, params string[] stems)
    {
        string path = Find(folder, stems);
        try
        {
            return WeightFiles.Open(path);
        }
        catch (WeightFileException e)
        {
            throw new ModelFileException($"the weights cannot be read: {e.Message}", e);
        }
    }
}
