using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Runs;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.UNet;

/// <summary>
/// Configuration of <see cref="UNet2DConditionModel"/> under the names of diffusers' <c>unet/config.json</c>, with diffusers' defaults. Keys that
/// this program computes in one way only (<c>flip_sin_to_cos</c>, <c>freq_shift</c>, <c>center_input_sample</c>, ...) are accepted with that value
/// and refused with any other.
/// </summary>
public sealed record UNetConfig
{
    /// <summary>Height and width of the sample in pixels of latent or image.</summary>
    public required int SampleSize { get; init; }

    public int InChannels { get; init; } = 4;

    public int OutChannels { get; init; } = 4;

    /// <summary>Channels of each resolution, finest first.</summary>
    public int[] BlockOutChannels { get; init; } = [320, 640, 1280, 1280];

    /// <summary>Residual blocks per resolution on the way down; the way up has one more.</summary>
    public int LayersPerBlock { get; init; } = 2;

    /// <summary><c>CrossAttnDownBlock2D</c> or <c>DownBlock2D</c>, one per resolution, finest first.</summary>
    public string[] DownBlockTypes { get; init; } = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"];

    /// <summary><c>CrossAttnUpBlock2D</c> or <c>UpBlock2D</c>, one per resolution, coarsest first.</summary>
    public string[] UpBlockTypes { get; init; } = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"];

    /// <summary>Number of attention heads, in spite of its name; per resolution, finest first.</summary>
    public PerBlock AttentionHeadDim { get; init; } = 8;

    /// <summary>Width of the text embedding.</summary>
    public int CrossAttentionDim { get; init; } = 1280;

    public int NormNumGroups { get; init; } = 32;

    /// <summary>Of the group norms of the residual blocks and of the output; the ones before attention always have 1e-6.</summary>
    public float NormEps { get; init; } = 1e-5f;

    /// <summary>
    /// Whether the projections around a transformer block are matrices in the file instead of 1x1 convolutions; the result is the same.
    /// </summary>
    public bool UseLinearProjection { get; init; }

    /// <summary>
    /// Whether attention is computed in F32 even where the model runs in less. An F32 model does that anyway: both values give the same bits.
    /// </summary>
    public bool UpcastAttention { get; init; }

    /// <summary>Zero padding of the stride-2 convolutions: 1 on every side, or 0 for right and bottom only.</summary>
    public int DownsamplePadding { get; init; } = 1;

    internal const string ClassName = "UNet2DConditionModel";

    internal const string CrossAttnDown = "CrossAttnDownBlock2D", PlainDown = "DownBlock2D";

    internal const string CrossAttnUp = "CrossAttnUpBlock2D", PlainUp = "UpBlock2D";

    private static readonly Dictionary<string, string[]> Pinned = new()
    {
        ["act_fn"] = ["\"silu\"", "\"swish\""],
        ["addition_embed_type"] = ["null"],
        ["addition_time_embed_dim"] = ["null"],
        ["attention_type"] = ["\"default\""],
        ["center_input_sample"] = ["false"],
        ["class_embed_type"] = ["null"],
        ["class_embeddings_concat"] = ["false"],
        ["conv_in_kernel"] = ["3"],
        ["conv_out_kernel"] = ["3"],
        ["cross_attention_norm"] = ["null"],
        ["dual_cross_attention"] = ["false"],
        ["encoder_hid_dim"] = ["null"],
        ["encoder_hid_dim_type"] = ["null"],
        ["flip_sin_to_cos"] = ["true"],
        ["freq_shift"] = ["0"],
        ["mid_block_only_cross_attention"] = ["null", "false"],
        ["mid_block_scale_factor"] = ["1"],
        ["mid_block_type"] = ["\"UNetMidBlock2DCrossAttn\""],
        ["num_attention_heads"] = ["null"],
        ["num_class_embeds"] = ["null"],
        ["only_cross_attention"] = ["false"],
        ["projection_class_embeddings_input_dim"] = ["null"],
        ["resnet_out_scale_factor"] = ["1"],
        ["resnet_skip_time_act"] = ["false"],
        ["resnet_time_scale_shift"] = ["\"default\""],
        ["reverse_transformer_layers_per_block"] = ["null"],
        ["time_cond_proj_dim"] = ["null"],
        ["time_embedding_act_fn"] = ["null"],
        ["time_embedding_dim"] = ["null"],
        ["time_embedding_type"] = ["\"positional\""],
        ["timestep_post_act"] = ["null"],
        ["transformer_layers_per_block"] = ["1"],
        ["dropout"] = ["0"],
    };

    /// <summary><c>addition_embed_type_num_heads</c> says nothing while <c>addition_embed_type</c> is null.</summary>
    private static readonly HashSet<string> Metadata = ["_class_name", "_diffusers_version", "_name_or_path", "addition_embed_type_num_heads"];

    /// <summary>Reads a diffusers <c>config.json</c>; <paramref name="source"/> names it in errors.</summary>
    /// <exception cref="ModelFileException">Unknown key, unsupported value or an inconsistent configuration.</exception>
    public static UNetConfig FromJson(string json, string source) => FromJson(ConfigJson.Parse(json, source), source);

    internal static UNetConfig FromJson(JsonObject json, string source)
    {
        var config = ConfigJson.Read<UNetConfig>(json, source, Pinned, Metadata);
        if (config.Problem() is { } problem) throw new ModelFileException($"{source}: {problem}");
        return config;
    }

    /// <summary>As diffusers reads it: a key that is not written has the same default there.</summary>
    public string ToJson() => ConfigJson.Write(this, new JsonObject { ["_class_name"] = ClassName });

    /// <summary>
    /// The network made narrower or wider: <paramref name="finest"/> channels at the finest resolution, the others in proportion. Where these do not
    /// divide by the groups of the norms or give heads that attention can have, there are fewer groups (the greatest common divisor) and fewer heads
    /// (the most that fit).
    /// </summary>
    /// <param name="finest">Channels of the first resolution.</param>
    /// <exception cref="UserException">The channels of another resolution would be no whole number, or no number of heads fits.</exception>
    public UNetConfig WithChannels(int finest)
    {
        int[] channels = [.. BlockOutChannels.Select(c => (int)((long)c * finest / BlockOutChannels[0]))];
        if (channels.Where((c, i) => (long)c * BlockOutChannels[0] != (long)BlockOutChannels[i] * finest).Any())
        {
            throw new UserException(
                $"{finest} channels do not fit", $"The resolutions have [{string.Join(", ", BlockOutChannels)}], and in proportion each needs a whole number.");
        }
        int[] heads = [.. channels.Select((c, i) => Heads(c, AttentionHeadDim[i]))];
        var config = this with
        {
            BlockOutChannels = channels,
            NormNumGroups = channels.Aggregate(NormNumGroups, (groups, c) => (int)System.Numerics.BigInteger.GreatestCommonDivisor(groups, c)),
            AttentionHeadDim = heads.Distinct().Count() == 1 ? heads[0] : heads,
        };
        return config.Problem() is { } problem ? throw new UserException(problem, $"{finest} channels do not fit.") : config;

        // What it was where none fits, which Problem then names if there is attention at all.
        static int Heads(int channels, int most) =>
            Enumerable.Range(1, most).LastOrDefault(h => channels % h == 0 && HeadProblem(channels / h) is null, most);
    }

    /// <summary>What is inconsistent, as a sentence; null where nothing is.</summary>
    internal string? Problem()
    {
        int levels = BlockOutChannels.Length;
        if (levels == 0) return "block_out_channels is empty";
        if (DownBlockTypes.Length != levels || UpBlockTypes.Length != levels)
        {
            return $"block_out_channels has {levels} entries, down_block_types {DownBlockTypes.Length}, up_block_types {UpBlockTypes.Length}: "
                + "they must agree";
        }
        if (!AttentionHeadDim.IsUniform && AttentionHeadDim.Count != levels)
        {
            return $"attention_head_dim has {AttentionHeadDim.Count} entries for {levels} blocks";
        }
        if (DownBlockTypes.FirstOrDefault(t => t is not (CrossAttnDown or PlainDown)) is { } down)
        {
            return $"down_block_types: '{down}' is not supported, only {CrossAttnDown} and {PlainDown}";
        }
        if (UpBlockTypes.FirstOrDefault(t => t is not (CrossAttnUp or PlainUp)) is { } up)
        {
            return $"up_block_types: '{up}' is not supported, only {CrossAttnUp} and {PlainUp}";
        }
        if (new[] { SampleSize, InChannels, OutChannels, LayersPerBlock, CrossAttentionDim, NormNumGroups }.Concat(BlockOutChannels).Any(v => v < 1))
        {
            return "a size is zero or negative";
        }
        if (NormEps <= 0 || !float.IsFinite(NormEps)) return $"norm_eps must be positive, it is {NormEps}";
        if (DownsamplePadding is not (0 or 1)) return $"downsample_padding must be 0 or 1, it is {DownsamplePadding}";
        if (BlockOutChannels[0] % 2 != 0)
        {
            return $"block_out_channels[0] = {BlockOutChannels[0]} must be even: the timestep embedding is half cosines, half sines";
        }
        int divisor = 1 << (levels - 1);
        if (SampleSize % divisor != 0) return $"sample_size {SampleSize} must be divisible by {divisor}, it is halved {levels - 1} times";
        return ChannelProblem(levels);
    }

    private string? ChannelProblem(int levels)
    {
        for (int level = 0; level < levels; level++)
        {
            int channels = BlockOutChannels[level], heads = AttentionHeadDim[level];
            if (channels % NormNumGroups != 0)
            {
                return $"block_out_channels[{level}] = {channels} is not divisible by norm_num_groups = {NormNumGroups}";
            }
            bool attends = DownBlockTypes[level] == CrossAttnDown || UpBlockTypes[levels - 1 - level] == CrossAttnUp || level == levels - 1;
            if (!attends) continue;
            if (heads < 1 || channels % heads != 0)
            {
                return $"block_out_channels[{level}] = {channels} is not divisible by attention_head_dim (the number of heads) = {heads}";
            }
            if (HeadProblem(channels / heads) is { } problem) return $"block_out_channels[{level}] = {channels} over {heads} heads: {problem}";
        }
        return null;
    }

    /// <summary>Why attention cannot have heads of a width; null where it can.</summary>
    internal static string? HeadProblem(int width) => width % 4 == 0 && width <= DotProductAttention.MaxHeadWidth
        ? null
        : $"attention heads must be a multiple of 4 and at most {DotProductAttention.MaxHeadWidth} wide, these are {width}";
}
