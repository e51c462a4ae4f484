using static CudaAttribution.Models.Files.SingleFile.NamePath;

namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>
/// Names of OpenCLIP's text encoder in a single file of Stable Diffusion v2 (below <c>cond_stage_model.model.</c>) and in transformers. OpenCLIP
/// keeps the projections to queries, keys and values as one tensor, their rows one after the other. Methods 3.5.
/// </summary>
public static class OpenClipNames
{
    /// <summary>Layers of the original that are used; the last one, number 23, is not.</summary>
    public const int UsedLayers = 23;

    private const string Layers = "text_model.encoder.layers";

    private static readonly (string OpenClip, string Transformers)[] Ends =
    [
        ("positional_embedding", "text_model.embeddings.position_embedding.weight"),
        ("token_embedding.weight", "text_model.embeddings.token_embedding.weight"),
        ("ln_final.weight", "text_model.final_layer_norm.weight"),
        ("ln_final.bias", "text_model.final_layer_norm.bias"),
    ];

    private static readonly (string OpenClip, string Transformers)[] InLayer =
    [
        ("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"), ("attn.out_proj", "self_attn.out_proj"),
    ];

    private static readonly string[] Projections = ["q_proj", "k_proj", "v_proj"];

    /// <summary>The names in transformers of a tensor of OpenCLIP: one, or three of which each has a third of its rows, or none.</summary>
    public static string[] ToTransformers(string name)
    {
        if (Ends.FirstOrDefault(e => e.OpenClip == name).Transformers is { } end) return [end];
        if (name.Split('.') is not ["transformer", "resblocks", var number, .. var path] || Index(number) < 0) return [];
        string head = $"{Layers}.{number}";
        if (path is ["attn", ("in_proj_weight" or "in_proj_bias") and var joined])
        {
            return [.. Projections.Select(p => $"{head}.self_attn.{p}.{joined["in_proj_".Length..]}")];
        }
        string rest = string.Join('.', path);
        foreach (var (openClip, transformers) in InLayer)
        {
            if (rest.StartsWith(openClip + ".", StringComparison.Ordinal)) return [$"{head}.{transformers}{rest[openClip.Length..]}"];
        }
        return [];
    }

    /// <summary>
    /// The name in OpenCLIP of a tensor of transformers, and which third of that tensor's rows it is: 0 for queries, 1 for keys, 2 for values, null
    /// for all of them. No name where there is none.
    /// </summary>
    public static (string? Name, int? Third) ToOpenClip(string name)
    {
        if (Ends.FirstOrDefault(e => e.Transformers == name).OpenClip is { } end) return (end, null);
        if (name.Split('.') is not ["text_model", "encoder", "layers", var number, .. var path] || Index(number) < 0) return (null, null);
        string head = $"transformer.resblocks.{number}";
        if (path is ["self_attn", var projection, ("weight" or "bias") and var kind] && Array.IndexOf(Projections, projection) is >= 0 and var third)
        {
            return ($"{head}.attn.in_proj_{kind}", third);
        }
        string rest = string.Join('.', path);
        foreach (var (openClip, transformers) in InLayer)
        {
            if (rest.StartsWith(transformers + ".", StringComparison.Ordinal)) return ($"{head}.{openClip}{rest[transformers.Length..]}", null);
        }
        return (null, null);
    }

    /// <summary>Whether a tensor belongs to a layer that Stable Diffusion does not use.</summary>
    internal static bool IsUnusedLayer(string name, int usedLayers) =>
        name.Split('.') is ["transformer", "resblocks", var number, ..] && Index(number) >= usedLayers;
}
