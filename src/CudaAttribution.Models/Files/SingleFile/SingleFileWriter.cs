using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>Writes a Stable Diffusion model as one safetensors file in the original layout, as other programs read it.</summary>
public static class SingleFileWriter
{
    private const int ThirdCount = 3;

    /// <summary>A buffer that older exporters wrote and that is no weight.</summary>
    private const string PositionIds = "text_model.embeddings.position_ids";

    /// <summary>Writes the file; it appears whole or not at all, and replaces one of that name.</summary>
    /// <param name="path">Where to; must not be a file that a source reads.</param>
    /// <param name="unet">The UNet under diffusers' names.</param>
    /// <param name="vae">The autoencoder under diffusers' names.</param>
    /// <param name="textEncoder">The text encoder under transformers' names.</param>
    /// <param name="family">Decides under which names the text encoder goes.</param>
    /// <param name="prediction">What the UNet predicts; written into the metadata, since names do not say it.</param>
    /// <param name="type">Type of every weight: F32, F16 or BF16; null keeps those of the sources.</param>
    /// <exception cref="ModelFileException">
    /// A weight has no name in the original layout, or a source or the file fails; the message lists them.
    /// </exception>
    public static void Write(
        string path, IWeightSource unet, IWeightSource vae, IWeightSource textEncoder, StableDiffusionFamily family, PredictionType prediction,
        DType? type = null)
    {
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "pt",
            [SingleFileCheckpoint.PredictionKey] =
                prediction == PredictionType.VPrediction ? SingleFileCheckpoint.VelocityValue : SingleFileCheckpoint.EpsilonValue,
        };
        try
        {
            SafetensorsWriter.Write(path, View(unet, vae, textEncoder, family), metadata, type);
        }
        catch (WeightFileException e)
        {
            throw new ModelFileException($"the single file cannot be written: {e.Message}", e);
        }
    }

    /// <summary>The three sources as one under the names and shapes of the original layout. They stay the caller's.</summary>
    /// <exception cref="ModelFileException">A weight has no name there; the message lists them.</exception>
    public static IWeightSource View(IWeightSource unet, IWeightSource vae, IWeightSource textEncoder, StableDiffusionFamily family)
    {
        var view = new WeightView("single file");
        var unknown = new List<string>();
        var layout = UNetLayout.OfDiffusers(unet.Weights)
            ?? throw new ModelFileException(
                $"{unet.Path}: its tensors are not those of a diffusers UNet ({PrintableText.List(unet.Weights.Keys, 3)})");
        foreach (string name in unet.Weights.Keys)
        {
            if (LdmUNetNames.ToLdm(name, layout) is { } ldm) view.Add(LdmNames.UNetPrefix + ldm, unet, name);
            else unknown.Add(name);
        }
        int levels = vae.Weights.Keys.Count(n => n.StartsWith("encoder.down_blocks.", StringComparison.Ordinal)
            && n.EndsWith(".resnets.0.conv1.weight", StringComparison.Ordinal));
        foreach (var (name, info) in vae.Weights)
        {
            var shape = LdmVaeNames.IsAttentionMatrix(name) && info.Shape.Rank == 2 ? new Shape(info.Shape[0], info.Shape[1], 1, 1) : info.Shape;
            if (LdmVaeNames.ToLdm(name, levels) is { } ldm) view.Add(LdmNames.VaePrefix + ldm, vae, name, shape);
            else unknown.Add(name);
        }
        if (family == StableDiffusionFamily.V1) AddClip(view, textEncoder, unknown);
        else AddOpenClip(view, textEncoder, unknown);
        return unknown.Count == 0
            ? view
            : throw new ModelFileException($"{unknown.Count} weights have no name in the original layout: {PrintableText.List(unknown)}");
    }

    private static void AddClip(WeightView view, IWeightSource text, List<string> unknown)
    {
        foreach (string name in Names(text))
        {
            if (LdmNames.ClipToTransformers(name) == name) view.Add(LdmNames.ClipPrefix + name, text, name);
            else unknown.Add(name);
        }
    }

    private static void AddOpenClip(WeightView view, IWeightSource text, List<string> unknown)
    {
        var joined = new SortedDictionary<string, string?[]>(StringComparer.Ordinal);
        foreach (string name in Names(text))
        {
            var (target, third) = OpenClipNames.ToOpenClip(name);
            if (target is null) unknown.Add(name);
            else if (third is not { } part) view.Add(LdmNames.OpenClipPrefix + target, text, name);
            else
            {
                if (!joined.TryGetValue(target, out var parts)) joined.Add(target, parts = new string?[ThirdCount]);
                parts[part] = name;
            }
        }
        foreach (var (target, parts) in joined)
        {
            if (parts.Contains(null)) throw new ModelFileException($"{text.Path}: queries, keys or values of '{target}' are missing");
            var one = text.Info(parts[0]!).Shape;
            if (one.Rank == 0 || parts.Any(p => text.Info(p!).Shape != one))
            {
                throw new ModelFileException($"{text.Path}: queries, keys and values of '{target}' are of different shapes");
            }
            int[] shape = one.ToArray();
            shape[0] *= ThirdCount;
            view.Add(LdmNames.OpenClipPrefix + target, shape, [.. parts.Select(p => WeightPart.Whole(text, p!))]);
        }
    }

    private static IEnumerable<string> Names(IWeightSource text) => text.Weights.Keys.Where(n => n != PositionIds);
}
