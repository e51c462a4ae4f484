using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>What shapes do not say about a model; null takes what Stable Diffusion has.</summary>
public sealed record DerivationOptions
{
    /// <summary>Null tells it from the UNet: v2 where its text embedding is 1024 wide or its projections are matrices, else v1.</summary>
    public StableDiffusionFamily? Family { get; init; }

    /// <summary>Null: noise for v1, velocity for v2. <see cref="SingleFileCheckpoint.DefaultPrediction"/> knows more about a single file.</summary>
    public PredictionType? Prediction { get; init; }

    /// <summary>Heads of the UNet's attention. Null: 8 for v1, one per 64 channels for v2.</summary>
    public PerBlock? AttentionHeads { get; init; }

    /// <summary>Heads of the text encoder. Null: one per 64 channels.</summary>
    public int? TextHeads { get; init; }

    /// <summary>Groups of the group norms. Null: 32.</summary>
    public int? NormNumGroups { get; init; }

    /// <summary>Height and width of the latent. Null: 96 for v2 with velocity, else 64.</summary>
    public int? SampleSize { get; init; }
}

/// <summary>
/// Configurations read off the names and shapes of weights under diffusers' names, for files that come without one. What shapes do not say follows
/// Stable Diffusion, v1 or v2, or <see cref="DerivationOptions"/>. Only what the configuration needs is looked at: whether every weight then has the
/// right shape is for loading to check.
/// </summary>
public static class WeightShapes
{
    private const int V2TextWidth = 1024, V1Heads = 8, HeadWidth = 64, Groups = 32, LatentSize = 64, LargeLatentSize = 96;

    /// <summary>Which generation a UNet is of.</summary>
    /// <exception cref="ModelFileException">It has no cross-attention.</exception>
    public static StableDiffusionFamily FamilyOf(IWeightSource unet) =>
        TextWidth(unet) == V2TextWidth || HasLinearProjection(unet) ? StableDiffusionFamily.V2 : StableDiffusionFamily.V1;

    /// <summary>The configuration of a UNet.</summary>
    /// <exception cref="ModelFileException">A tensor that says a size is missing, or the sizes are inconsistent.</exception>
    public static UNetConfig UNet(IWeightSource unet, DerivationOptions? options = null)
    {
        options ??= new DerivationOptions();
        var layout = UNetLayout.OfDiffusers(unet.Weights)
            ?? throw Fail(unet, "UNet", "there are no tensors 'down_blocks.0.resnets.0.conv1.weight', ...");
        int[] channels = [.. Enumerable.Range(0, layout.Levels).Select(b => Size(unet, $"down_blocks.{b}.resnets.0.conv1.weight", 4, 0))];
        var family = options.Family ?? FamilyOf(unet);
        var prediction = options.Prediction ?? (family == StableDiffusionFamily.V1 ? PredictionType.Epsilon : PredictionType.VPrediction);
        bool large = family == StableDiffusionFamily.V2 && prediction == PredictionType.VPrediction;
        var config = new UNetConfig
        {
            SampleSize = options.SampleSize ?? (large ? LargeLatentSize : LatentSize),
            InChannels = Size(unet, "conv_in.weight", 4, 1),
            OutChannels = Size(unet, "conv_out.weight", 4, 0),
            BlockOutChannels = channels,
            LayersPerBlock = layout.LayersPerBlock,
            DownBlockTypes = [.. channels.Select((_, b) => Attends(unet, "down", b) ? UNetConfig.CrossAttnDown : UNetConfig.PlainDown)],
            UpBlockTypes = [.. channels.Select((_, b) => Attends(unet, "up", b) ? UNetConfig.CrossAttnUp : UNetConfig.PlainUp)],
            AttentionHeadDim = options.AttentionHeads ?? Heads(unet, family, channels),
            CrossAttentionDim = TextWidth(unet),
            NormNumGroups = options.NormNumGroups ?? Groups,
            UseLinearProjection = HasLinearProjection(unet),
            UpcastAttention = large,
        };
        return config.Problem() is { } problem ? throw Fail(unet, "UNet", problem) : config;
    }

    /// <summary>The configuration of a text encoder.</summary>
    /// <exception cref="ModelFileException">A tensor that says a size is missing, or the sizes are inconsistent.</exception>
    public static ClipTextConfig TextEncoder(IWeightSource text, StableDiffusionFamily family, DerivationOptions? options = null)
    {
        const string Embeddings = "text_model.embeddings", Layers = "text_model.encoder.layers";
        int width = Size(text, $"{Embeddings}.token_embedding.weight", 2, 1), layers = 0;
        while (text.Weights.ContainsKey($"{Layers}.{layers}.layer_norm1.weight")) layers++;
        if (options?.TextHeads is null && width % HeadWidth != 0)
        {
            throw Fail(text, "text encoder", $"its width {width} is no multiple of {HeadWidth}");
        }
        var config = new ClipTextConfig
        {
            VocabSize = Size(text, $"{Embeddings}.token_embedding.weight", 2, 0),
            HiddenSize = width,
            IntermediateSize = Size(text, $"{Layers}.0.mlp.fc1.weight", 2, 0),
            NumHiddenLayers = layers,
            NumAttentionHeads = options?.TextHeads ?? width / HeadWidth,
            MaxPositionEmbeddings = Size(text, $"{Embeddings}.position_embedding.weight", 2, 0),
            HiddenAct = family == StableDiffusionFamily.V1 ? ClipTextConfig.QuickGelu : ClipTextConfig.Gelu,
        };
        return config.Problem() is { } problem ? throw Fail(text, "text encoder", problem) : config;
    }

    /// <summary>The configuration of an autoencoder; <c>sample_size</c> and <c>scaling_factor</c> are Stable Diffusion's.</summary>
    /// <exception cref="ModelFileException">A tensor that says a size is missing, or the sizes are inconsistent.</exception>
    public static AutoencoderKLConfig Vae(IWeightSource vae, DerivationOptions? options = null)
    {
        int levels = 0, layers = 0, groups = options?.NormNumGroups ?? Groups;
        while (vae.Weights.ContainsKey($"encoder.down_blocks.{levels}.resnets.0.conv1.weight")) levels++;
        while (vae.Weights.ContainsKey($"encoder.down_blocks.0.resnets.{layers}.conv1.weight")) layers++;
        if (levels == 0) throw Fail(vae, "autoencoder", "there is no tensor 'encoder.down_blocks.0.resnets.0.conv1.weight'");
        int[] channels = [.. Enumerable.Range(0, levels).Select(b => Size(vae, $"encoder.down_blocks.{b}.resnets.0.conv1.weight", 4, 0))];
        var config = new AutoencoderKLConfig
        {
            InChannels = Size(vae, "encoder.conv_in.weight", 4, 1),
            OutChannels = Size(vae, "decoder.conv_out.weight", 4, 0),
            LatentChannels = Size(vae, "decoder.conv_in.weight", 4, 1),
            BlockOutChannels = channels,
            LayersPerBlock = layers,
            NormNumGroups = groups,
            SampleSize = (options?.SampleSize ?? LatentSize) << (levels - 1),
        };
        return config.Problem() is { } problem ? throw Fail(vae, "autoencoder", problem) : config;
    }

    private static PerBlock Heads(IWeightSource unet, StableDiffusionFamily family, int[] channels)
    {
        if (family == StableDiffusionFamily.V1) return V1Heads;
        return channels.All(c => c % HeadWidth == 0)
            ? channels.Select(c => c / HeadWidth).ToArray()
            : throw Fail(unet, "UNet", $"its channels {string.Join(", ", channels)} are no multiples of {HeadWidth}, the width of a head in v2");
    }

    private static bool Attends(IWeightSource unet, string way, int block) =>
        unet.Weights.ContainsKey($"{way}_blocks.{block}.attentions.0.transformer_blocks.0.attn2.to_k.weight");

    private static int TextWidth(IWeightSource unet) => Size(unet, "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight", 2, 1);

    private static bool HasLinearProjection(IWeightSource unet) =>
        unet.Weights.TryGetValue("mid_block.attentions.0.proj_in.weight", out var projection) && projection.Shape.Rank == 2;

    private static int Size(IWeightSource source, string name, int rank, int axis)
    {
        if (!source.Weights.TryGetValue(name, out var info)) throw Fail(source, "model", $"there is no tensor '{name}'");
        return info.Shape.Rank == rank
            ? info.Shape[axis]
            : throw Fail(source, "model", $"'{name}' is {info.Shape}, {rank} axes are needed");
    }

    private static ModelFileException Fail(IWeightSource source, string what, string reason) => new(
        $"{source.Path}: the configuration of the {what} cannot be told from its weights: {reason}. Give it as a config.json");
}
