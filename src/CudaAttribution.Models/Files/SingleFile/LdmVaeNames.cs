using static CudaAttribution.Models.Files.SingleFile.NamePath;

namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>
/// Names of an autoencoder's weights in a single file (below <c>first_stage_model.</c>), in diffusers, and in files of older diffusers; null where
/// there is no such name. Methods 3.5.
/// </summary>
public static class LdmVaeNames
{
    private static readonly (string Ldm, string Older, string Diffusers)[] InAttention =
    [
        ("norm", "group_norm", "group_norm"), ("q", "query", "to_q"), ("k", "key", "to_k"), ("v", "value", "to_v"),
        ("proj_out", "proj_attn", "to_out.0"),
    ];

    /// <summary>How many resolutions an autoencoder has by its names in a single file.</summary>
    public static int Levels(IEnumerable<string> names) =>
        names.Select(n => n.Split('.') is ["encoder", "down", var i, ..] ? Index(i) : -1).DefaultIfEmpty(-1).Max() + 1;

    /// <summary>The diffusers name of a weight of a single file with <paramref name="levels"/> resolutions.</summary>
    public static string? ToDiffusers(string name, int levels)
    {
        switch (name.Split('.'))
        {
            case ["encoder", "down", var number, .. var rest] when Index(number) is >= 0 and var i && i < levels:
                return InBlock($"encoder.down_blocks.{i}", "downsample", "downsamplers", rest);
            case ["decoder", "up", var number, .. var rest] when Index(number) is >= 0 and var i && i < levels:
                return InBlock($"decoder.up_blocks.{levels - 1 - i}", "upsample", "upsamplers", rest);
            case [("encoder" or "decoder") and var half, "mid", ("block_1" or "block_2") and var block, .. var rest]:
                return Resnet($"{half}.mid_block.resnets.{(block == "block_1" ? 0 : 1)}", rest);
            case [("encoder" or "decoder") and var half, "mid", "attn_1", var part, .. var rest]:
                string? to = InAttention.FirstOrDefault(p => p.Ldm == part).Diffusers;
                return to is null ? null : Join($"{half}.mid_block.attentions.0.{to}", rest);
            case [("encoder" or "decoder") and var half, "norm_out", .. var rest]:
                return Join($"{half}.conv_norm_out", rest);
            case [("encoder" or "decoder"), "conv_in" or "conv_out", ..]:
            case ["quant_conv" or "post_quant_conv", ..]:
                return name;
            default:
                return null;
        }
    }

    /// <summary>The name in a single file of a weight of diffusers, whose autoencoder has <paramref name="levels"/> resolutions.</summary>
    public static string? ToLdm(string name, int levels)
    {
        switch (name.Split('.'))
        {
            case ["encoder", "down_blocks", var number, .. var rest] when Index(number) is >= 0 and var i && i < levels:
                return InLdmBlock($"encoder.down.{i}", "downsamplers", "downsample", rest);
            case ["decoder", "up_blocks", var number, .. var rest] when Index(number) is >= 0 and var i && i < levels:
                return InLdmBlock($"decoder.up.{levels - 1 - i}", "upsamplers", "upsample", rest);
            case [("encoder" or "decoder") and var half, "mid_block", "resnets", ("0" or "1") and var block, .. var rest]:
                return LdmResnet($"{half}.mid.block_{(block == "0" ? 1 : 2)}", rest);
            case [("encoder" or "decoder") and var half, "mid_block", "attentions", "0", "to_out", "0", .. var rest]:
                return Join($"{half}.mid.attn_1.proj_out", rest);
            case [("encoder" or "decoder") and var half, "mid_block", "attentions", "0", var part, .. var rest]:
                string? to = InAttention.FirstOrDefault(p => p.Diffusers == part).Ldm;
                return to is null ? null : Join($"{half}.mid.attn_1.{to}", rest);
            case [("encoder" or "decoder") and var half, "conv_norm_out", .. var rest]:
                return Join($"{half}.norm_out", rest);
            case [("encoder" or "decoder"), "conv_in" or "conv_out", ..]:
            case ["quant_conv" or "post_quant_conv", ..]:
                return name;
            default:
                return null;
        }
    }

    /// <summary>Today's diffusers name of a weight that an older diffusers wrote; any other name as it is.</summary>
    public static string FromOlderDiffusers(string name)
    {
        if (name.Split('.') is not [("encoder" or "decoder") and var half, "mid_block", "attentions", "0", var part, .. var rest]) return name;
        string? to = InAttention.FirstOrDefault(p => p.Older == part).Diffusers;
        return to is null ? name : Join($"{half}.mid_block.attentions.0.{to}", rest);
    }

    /// <summary>Whether a weight is a matrix of the attention, which single files and some older ones hold as a 1x1 convolution.</summary>
    public static bool IsAttentionMatrix(string diffusersName) =>
        diffusersName.Split('.') is [_, "mid_block", "attentions", "0", "to_q" or "to_k" or "to_v", "weight"]
            or [_, "mid_block", "attentions", "0", "to_out", "0", "weight"];

    private static string? InBlock(string block, string sampler, string samplers, string[] rest) => rest switch
    {
        ["block", var j, .. var inner] when Index(j) >= 0 => Resnet($"{block}.resnets.{j}", inner),
        [var s, "conv", .. var inner] when s == sampler => Join($"{block}.{samplers}.0.conv", inner),
        _ => null,
    };

    private static string? InLdmBlock(string block, string samplers, string sampler, string[] rest) => rest switch
    {
        ["resnets", var j, .. var inner] when Index(j) >= 0 => LdmResnet($"{block}.block.{j}", inner),
        [var s, "0", "conv", .. var inner] when s == samplers => Join($"{block}.{sampler}.conv", inner),
        _ => null,
    };

    private static string? Resnet(string head, string[] rest) => rest switch
    {
        ["nin_shortcut", .. var inner] => Join($"{head}.conv_shortcut", inner),
        ["norm1" or "norm2" or "conv1" or "conv2", ..] => Join(head, rest),
        _ => null,
    };

    private static string? LdmResnet(string head, string[] rest) => rest switch
    {
        ["conv_shortcut", .. var inner] => Join($"{head}.nin_shortcut", inner),
        ["norm1" or "norm2" or "conv1" or "conv2", ..] => Join(head, rest),
        _ => null,
    };
}
