using static CudaAttribution.Models.Files.SingleFile.NamePath;

namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>
/// Names of a UNet's weights in a single file (below <c>model.diffusion_model.</c>) and in diffusers; null where there is no such name. Methods 3.5.
/// </summary>
public static class LdmUNetNames
{
    private static readonly (string Ldm, string Diffusers)[] Ends =
    [
        ("time_embed.0", "time_embedding.linear_1"), ("time_embed.2", "time_embedding.linear_2"), ("input_blocks.0.0", "conv_in"),
        ("out.0", "conv_norm_out"), ("out.2", "conv_out"),
    ];

    private static readonly (string Ldm, string Diffusers)[] InResnet =
    [
        ("in_layers.0", "norm1"), ("in_layers.2", "conv1"), ("emb_layers.1", "time_emb_proj"), ("out_layers.0", "norm2"), ("out_layers.3", "conv2"),
        ("skip_connection", "conv_shortcut"),
    ];

    /// <summary>The diffusers name of a weight of a single file.</summary>
    public static string? ToDiffusers(string name, UNetLayout layout)
    {
        foreach (var (ldm, diffusers) in Ends)
        {
            if (name.StartsWith(ldm + ".", StringComparison.Ordinal)) return diffusers + name[ldm.Length..];
        }
        int stride = layout.LayersPerBlock + 1;
        switch (name.Split('.'))
        {
            case ["input_blocks", var number, "0", "op", .. var rest]
                when Index(number) is > 0 and var n && n % stride == 0 && n / stride < layout.Levels:
                return Join($"down_blocks.{n / stride - 1}.downsamplers.0.conv", rest);
            case ["input_blocks", var number, var part, .. var rest] when Index(number) is > 0 and var n:
                int level = (n - 1) / stride, layer = (n - 1) % stride;
                return layer < stride - 1 && level < layout.Levels ? InBlock($"down_blocks.{level}", layer, part, rest) : null;
            case ["middle_block", "1", .. var rest]:
                return Join("mid_block.attentions.0", rest);
            case ["middle_block", ("0" or "2") and var part, .. var rest]:
                return Resnet($"mid_block.resnets.{(part == "0" ? 0 : 1)}", rest);
            case ["output_blocks", var number, ("1" or "2") and var part, "conv", .. var rest] when Index(number) is >= 0 and var n:
                int stage = n / stride;
                return n % stride == stride - 1 && stage < layout.Levels - 1 && part == UpsamplerPart(stage, layout)
                    ? Join($"up_blocks.{stage}.upsamplers.0.conv", rest)
                    : null;
            case ["output_blocks", var number, var part, .. var rest] when Index(number) is >= 0 and var n && n / stride < layout.Levels:
                return InBlock($"up_blocks.{n / stride}", n % stride, part, rest);
            default:
                return null;
        }
    }

    /// <summary>The name in a single file of a weight of diffusers.</summary>
    public static string? ToLdm(string name, UNetLayout layout)
    {
        foreach (var (ldm, diffusers) in Ends)
        {
            if (name.StartsWith(diffusers + ".", StringComparison.Ordinal)) return ldm + name[diffusers.Length..];
        }
        int stride = layout.LayersPerBlock + 1;
        switch (name.Split('.'))
        {
            case ["down_blocks", var block, "downsamplers", "0", "conv", .. var rest] when Index(block) is >= 0 and var b && b < layout.Levels - 1:
                return Join($"input_blocks.{(b + 1) * stride}.0.op", rest);
            case ["down_blocks", var block, var kind, var number, .. var rest]
                when Index(block) is >= 0 and var b && Index(number) is >= 0 and var l && b < layout.Levels && l < stride - 1:
                return InLdmBlock($"input_blocks.{1 + b * stride + l}", kind, rest);
            case ["mid_block", "attentions", "0", .. var rest]:
                return Join("middle_block.1", rest);
            case ["mid_block", "resnets", ("0" or "1") and var number, .. var rest]:
                return LdmResnet($"middle_block.{(number == "0" ? 0 : 2)}", rest);
            case ["up_blocks", var block, "upsamplers", "0", "conv", .. var rest] when Index(block) is >= 0 and var u && u < layout.Levels - 1:
                return Join($"output_blocks.{u * stride + stride - 1}.{UpsamplerPart(u, layout)}.conv", rest);
            case ["up_blocks", var block, var kind, var number, .. var rest]
                when Index(block) is >= 0 and var u && Index(number) is >= 0 and var l && u < layout.Levels && l < stride:
                return InLdmBlock($"output_blocks.{u * stride + l}", kind, rest);
            default:
                return null;
        }
    }

    /// <summary>An upsampler comes after the residual block and the attention of its block, if there is one.</summary>
    private static string UpsamplerPart(int stage, UNetLayout layout) => layout.UpAttends[stage] ? "2" : "1";

    private static string? InBlock(string block, int layer, string part, string[] rest) => part switch
    {
        "0" => Resnet($"{block}.resnets.{layer}", rest),
        "1" => Join($"{block}.attentions.{layer}", rest),
        _ => null,
    };

    private static string? InLdmBlock(string block, string kind, string[] rest) => kind switch
    {
        "resnets" => LdmResnet($"{block}.0", rest),
        "attentions" => Join($"{block}.1", rest),
        _ => null,
    };

    private static string? Resnet(string head, string[] rest) => Inner(head, rest, InResnet.Select(p => (p.Ldm, p.Diffusers)));

    private static string? LdmResnet(string head, string[] rest) => Inner(head, rest, InResnet.Select(p => (p.Diffusers, p.Ldm)));

    private static string? Inner(string head, string[] rest, IEnumerable<(string From, string To)> parts)
    {
        string name = string.Join('.', rest);
        foreach (var (from, to) in parts)
        {
            if (name.StartsWith(from + ".", StringComparison.Ordinal)) return $"{head}.{to}{name[from.Length..]}";
        }
        return null;
    }
}
