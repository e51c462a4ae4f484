using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;

namespace CudaAttribution.Models.Files;

/// <summary>
/// A model folder in diffusers' layout, its weights aside: <c>model_index.json</c>, <c>unet/</c>, <c>text_encoder/</c>, <c>tokenizer/</c>,
/// <c>scheduler/</c>, and <c>vae/</c> where the UNet works on latents.
/// </summary>
/// <param name="UNet">From <c>unet/config.json</c>.</param>
/// <param name="TextEncoder">From <c>text_encoder/config.json</c>.</param>
/// <param name="Tokenizer">From <c>tokenizer/</c>.</param>
/// <param name="Scheduler">From <c>scheduler/scheduler_config.json</c>.</param>
/// <param name="Vae">From <c>vae/config.json</c>; null for a model that works on pixels.</param>
internal sealed record ModelIndex(
    UNetConfig UNet, ClipTextConfig TextEncoder, ITokenizer Tokenizer, SchedulerConfig Scheduler, AutoencoderKLConfig? Vae = null)
{
    public const string FileName = "model_index.json";

    public const string TokenizerFolder = "tokenizer", SchedulerFolder = "scheduler", SchedulerFile = "scheduler_config.json";

    /// <summary>The parts that every model has.</summary>
    public static IReadOnlyList<string> Required { get; } =
        [ComponentFolder.UNet.Name, ComponentFolder.TextEncoder.Name, TokenizerFolder, SchedulerFolder];

    /// <summary>Writes everything but the weights into an existing folder and makes the folders for these.</summary>
    public void Write(string folder)
    {
        foreach (string component in Required) Directory.CreateDirectory(Path.Combine(folder, component));
        var index = new JsonObject
        {
            ["_class_name"] = Vae is null ? "PixelDiffusionPipeline" : "StableDiffusionPipeline",
            [SchedulerFolder] = new JsonArray("diffusers", "DDIMScheduler"),
            [ComponentFolder.TextEncoder.Name] = new JsonArray("transformers", ClipTextConfig.ClassName),
            [TokenizerFolder] = new JsonArray(Tokenizer.Library, Tokenizer.Name),
            [ComponentFolder.UNet.Name] = new JsonArray("diffusers", UNetConfig.ClassName),
        };
        if (Vae is not null)
        {
            // diffusers makes the pipeline only where these are named, be it as absent.
            (index["safety_checker"], index["feature_extractor"], index["requires_safety_checker"]) = (null, null, false);
            index[ComponentFolder.Vae.Name] = new JsonArray("diffusers", AutoencoderKLConfig.ClassName);
            Directory.CreateDirectory(Path.Combine(folder, ComponentFolder.Vae.Name));
            File.WriteAllText(ComponentFolder.Vae.Config(folder), Vae.ToJson());
        }
        File.WriteAllText(Path.Combine(folder, FileName), ConfigJson.Text(index));
        File.WriteAllText(ComponentFolder.UNet.Config(folder), UNet.ToJson());
        File.WriteAllText(ComponentFolder.TextEncoder.Config(folder), TextEncoder.ToJson());
        File.WriteAllText(Path.Combine(folder, SchedulerFolder, SchedulerFile), Scheduler.ToJson());
        Tokenizer.Save(Path.Combine(folder, TokenizerFolder));
    }

    /// <summary>Which parts do not fit each other, as a sentence; null where all do.</summary>
    public string? Problem()
    {
        if (UNet.CrossAttentionDim != TextEncoder.HiddenSize)
        {
            return $"the UNet's cross_attention_dim {UNet.CrossAttentionDim} differs from the text encoder's hidden_size {TextEncoder.HiddenSize}";
        }
        if (UNet.InChannels != UNet.OutChannels)
        {
            return $"the UNet's in_channels {UNet.InChannels} and out_channels {UNet.OutChannels} must be equal: it predicts noise of its input's "
                + "shape";
        }
        if (Vae is not null && Vae.LatentChannels != UNet.InChannels)
        {
            return $"the UNet's in_channels {UNet.InChannels} differ from the autoencoder's latent_channels {Vae.LatentChannels}";
        }
        if (Vae is null ? UNet.InChannels != 3 : Vae.InChannels != 3 || Vae.OutChannels != 3)
        {
            return "pictures have three channels: in_channels of the UNet (without vae) or of the autoencoder must be 3";
        }
        if (Tokenizer.VocabSize > TextEncoder.VocabSize)
        {
            return $"the tokenizer has {Tokenizer.VocabSize} tokens, the text encoder embeds {TextEncoder.VocabSize} (vocab_size)";
        }
        return Tokenizer.MaxLength <= TextEncoder.MaxPositionEmbeddings
            ? null
            : $"the tokenizer gives {Tokenizer.MaxLength} tokens, "
                + $"the text encoder has {TextEncoder.MaxPositionEmbeddings} positions (max_position_embeddings)";
    }
}
