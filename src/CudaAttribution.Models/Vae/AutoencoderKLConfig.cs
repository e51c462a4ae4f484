using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Vae;

/// <summary>Configuration of <see cref="AutoencoderKL"/> under the names of diffusers' <c>vae/config.json</c>, with diffusers' defaults.</summary>
public sealed record AutoencoderKLConfig
{
    public int InChannels { get; init; } = 3;

    public int OutChannels { get; init; } = 3;

    /// <summary>Channels of each resolution, finest first.</summary>
    public int[] BlockOutChannels { get; init; } = [64];

    /// <summary>Residual blocks per resolution of the encoder; the decoder has one more.</summary>
    public int LayersPerBlock { get; init; } = 1;

    /// <summary>Channels of a latent; the encoder gives twice as many, means and log-variances.</summary>
    public int LatentChannels { get; init; } = 4;

    public int NormNumGroups { get; init; } = 32;

    /// <summary>Side of the pictures it was trained on. It says nothing of the computation; any side that the halvings divide is right.</summary>
    public int SampleSize { get; init; } = 32;

    /// <summary>What a latent is multiplied by before the UNet sees it: 1 / its standard deviation.</summary>
    public double ScalingFactor { get; init; } = 0.18215;

    /// <summary>Whether a half-precision pipeline must run it in F32. This program always does.</summary>
    public bool ForceUpcast { get; init; } = true;

    internal const string ClassName = "AutoencoderKL";

    private const string Down = "DownEncoderBlock2D", Up = "UpDecoderBlock2D";

    private static readonly Dictionary<string, string[]> Pinned = new()
    {
        ["act_fn"] = ["\"silu\""],
        ["latents_mean"] = ["null"],
        ["latents_std"] = ["null"],
        ["mid_block_add_attention"] = ["true"],
        ["shift_factor"] = ["null"],
        ["use_post_quant_conv"] = ["true"],
        ["use_quant_conv"] = ["true"],
    };

    private static readonly HashSet<string> Metadata = ["_class_name", "_diffusers_version", "_name_or_path"];

    /// <summary>How often the encoder halves the sides: a picture's side over its latent's is 2 to this power.</summary>
    [JsonIgnore]
    public int Halvings => BlockOutChannels.Length - 1;

    /// <summary>Reads a diffusers <c>config.json</c>; <paramref name="source"/> names it in errors.</summary>
    /// <exception cref="ModelFileException">Unknown key, unsupported value or an inconsistent configuration.</exception>
    public static AutoencoderKLConfig FromJson(string json, string source) => FromJson(ConfigJson.Parse(json, source), source);

    internal static AutoencoderKLConfig FromJson(JsonObject json, string source)
    {
        var own = json.DeepClone().AsObject();
        RequireBlocks(own, "down_block_types", Down, source);
        RequireBlocks(own, "up_block_types", Up, source);
        var config = ConfigJson.Read<AutoencoderKLConfig>(own, source, Pinned, Metadata);
        if (config.Problem() is { } problem) throw new ModelFileException($"{source}: {problem}");
        return config;
    }

    /// <summary>As diffusers reads it.</summary>
    public string ToJson() => ConfigJson.Write(this, new JsonObject
    {
        ["_class_name"] = ClassName,
        ["act_fn"] = "silu",
        ["down_block_types"] = new JsonArray([.. BlockOutChannels.Select(_ => JsonValue.Create(Down))]),
        ["up_block_types"] = new JsonArray([.. BlockOutChannels.Select(_ => JsonValue.Create(Up))]),
    });

    /// <summary>What is inconsistent, as a sentence; null where nothing is.</summary>
    internal string? Problem()
    {
        if (BlockOutChannels.Length == 0) return "block_out_channels is empty";
        if (new[] { InChannels, OutChannels, LayersPerBlock, LatentChannels, NormNumGroups, SampleSize }.Concat(BlockOutChannels).Any(v => v < 1))
        {
            return "a size is zero or negative";
        }
        if (BlockOutChannels.FirstOrDefault(c => c % NormNumGroups != 0) is not 0 and var odd)
        {
            return $"block_out_channels has {odd}, which is not divisible by norm_num_groups = {NormNumGroups}";
        }
        int width = BlockOutChannels[^1];
        if (width % 4 != 0 || width > DotProductAttention.MaxForwardHeadWidth)
        {
            return $"the middle block's one attention head is {width} wide; it must be a multiple of 4 and at most {DotProductAttention.MaxForwardHeadWidth}";
        }
        return ScalingFactor > 0 && double.IsFinite(ScalingFactor) ? null : $"scaling_factor must be positive, it is {ScalingFactor}";
    }

    /// <summary>Takes a list of block types out of the object; only one type each is known, one per resolution.</summary>
    private static void RequireBlocks(JsonObject json, string key, string type, string source)
    {
        if (!json.Remove(key, out var value)) return;
        int levels = json["block_out_channels"] is JsonArray channels ? channels.Count : 1;
        if (value is not JsonArray types || types.Count != levels || types.Any(t => t?.ToString() != type))
        {
            throw new ModelFileException(
                $"{source}: '{key}': {value?.ToJsonString() ?? "null"} is not supported, only {levels} times {type} (one for each of "
                + "block_out_channels)");
        }
    }
}
