using System.Collections.Frozen;

namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>How the parts of Stable Diffusion are told apart in a single file ("LDM layout"), and what in it is no weight of any of them.</summary>
public static class LdmNames
{
    public const string UNetPrefix = "model.diffusion_model.";

    public const string VaePrefix = "first_stage_model.";

    /// <summary>Of the text encoder of v1, whose names below it are those of transformers.</summary>
    public const string ClipPrefix = "cond_stage_model.transformer.";

    /// <summary>Of the text encoder of v2.</summary>
    public const string OpenClipPrefix = "cond_stage_model.model.";

    /// <summary>Of the moving average that training kept of the UNet; below it stands the rest of the name without its dots.</summary>
    public const string EmaPrefix = "model_ema.";

    /// <summary>Buffers of the noise schedule, of the moving average and of older exporters.</summary>
    private static readonly FrozenSet<string> Buffers = FrozenSet.Create(
        StringComparer.Ordinal,
        "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod",
        "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod", "posterior_variance", "posterior_log_variance_clipped", "posterior_mean_coef1",
        "posterior_mean_coef2", "lvlb_weights", "logvar", "scale_factor", "cond_ids", "model_ema.decay", "model_ema.num_updates",
        "cond_stage_model.transformer.text_model.embeddings.position_ids", "cond_stage_model.transformer.embeddings.position_ids",
        "cond_stage_model.logit_scale", "cond_stage_model.model.text_projection", "cond_stage_model.model.logit_scale",
        "cond_stage_model.model.attn_mask");

    /// <summary>The network that judged the autoencoder while it was trained.</summary>
    private const string VaeLossPrefix = "first_stage_model.loss.";

    /// <summary>Whether a tensor of a single file is none of a model's weights, or of a layer that is not used.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="usedTextLayers">Layers of an OpenCLIP text encoder that are used, from the first.</param>
    public static bool IsIgnored(string name, int usedTextLayers = OpenClipNames.UsedLayers) =>
        Buffers.Contains(name) || name.StartsWith(VaeLossPrefix, StringComparison.Ordinal)
        || (name.StartsWith(OpenClipPrefix, StringComparison.Ordinal) && OpenClipNames.IsUnusedLayer(name[OpenClipPrefix.Length..], usedTextLayers));

    /// <summary>Name of the moving average of a weight of the UNet.</summary>
    /// <param name="unetName">Its name below <see cref="UNetPrefix"/>.</param>
    public static string EmaOf(string unetName) =>
        EmaPrefix + (UNetPrefix["model.".Length..] + unetName).Replace(".", "", StringComparison.Ordinal);

    /// <summary>The name in transformers of a weight of the text encoder of v1; some files lack the part that all of them begin with.</summary>
    /// <param name="name">Its name below <see cref="ClipPrefix"/>.</param>
    public static string? ClipToTransformers(string name) => name.Split('.') switch
    {
        ["text_model", "embeddings" or "encoder" or "final_layer_norm", ..] => name,
        ["embeddings" or "encoder" or "final_layer_norm", ..] => $"text_model.{name}",
        _ => null,
    };
}
