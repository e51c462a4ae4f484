using System.Text.Json.Nodes;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models;

/// <summary>
/// A model folder in diffusers' layout, its weights aside: <c>model_index.json</c>, <c>unet/</c>, <c>text_encoder/</c>, <c>tokenizer/</c>,
/// <c>scheduler/</c>, and <c>vae/</c> where the UNet works on latents. A safety checker and its feature extractor may be named; they judge pictures
/// after they are made and are not run.
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

    private const string UNetFolder = "unet", TextFolder = "text_encoder", TokenizerFolder = "tokenizer", SchedulerFolder = "scheduler",
        VaeFolder = "vae";

    private const string ConfigFile = "config.json", SchedulerFile = "scheduler_config.json";

    private const string Weights = "diffusion_pytorch_model.safetensors";

    private static readonly string[] Components = [UNetFolder, TextFolder, TokenizerFolder, SchedulerFolder];

    private static readonly string[] NotRun = ["safety_checker", "feature_extractor", "requires_safety_checker"];

    /// <summary>Configuration and weights of a part, wherever they lie in a model folder.</summary>
    public static (string Config, string Weights) UNetFiles(string folder) => Files(folder, UNetFolder, Weights);

    /// <inheritdoc cref="UNetFiles"/>
    public static (string Config, string Weights) VaeFiles(string folder) => Files(folder, VaeFolder, Weights);

    /// <inheritdoc cref="UNetFiles"/>
    public static (string Config, string Weights) TextFiles(string folder) => Files(folder, TextFolder, "model.safetensors");

    /// <summary>
    /// Fills a part from the weights that would be written to a path, in any of the forms that diffusers and transformers write: also sharded or
    /// pickled, an autoencoder also under its older names.
    /// </summary>
    /// <exception cref="ModelFileException">There are none, or they cannot be read or do not fit.</exception>
    public static void LoadWeights(string path, ModelPart part)
    {
        string folder = Path.GetDirectoryName(path)!, component = Path.GetFileName(folder);
        string[] stems = component == TextFolder
            ? [ComponentWeights.Transformers, ComponentWeights.TransformersPickled]
            : [ComponentWeights.Diffusers];
        using var weights = ComponentWeights.Open(folder, stems);
        try
        {
            WeightFile.Load(component == VaeFolder ? VaeWeights.Current(weights) : weights, part);
        }
        catch (WeightFileException e)
        {
            throw new ModelFileException($"the weights cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The tokenizer of a model folder.</summary>
    /// <exception cref="ModelFileException">A file is missing or unusable.</exception>
    public static ITokenizer ReadTokenizer(string folder)
    {
        string path = Path.Combine(folder, FileName);
        var index = ConfigJson.Load(path, "the list of the model's parts");
        string name = RequireClass(index, path, TokenizerFolder, WordTokenizer.ClassName, ClipTokenizer.ClassName, ClipTokenizer.FastClassName);
        folder = Path.Combine(folder, TokenizerFolder);
        return name == WordTokenizer.ClassName ? WordTokenizer.Load(folder) : ClipTokenizer.Load(folder);
    }

    /// <exception cref="ModelFileException">A file is missing, unusable, or two do not fit each other.</exception>
    public static ModelIndex Read(string folder)
    {
        if (!Directory.Exists(folder)) throw new ModelFileException($"{folder} does not exist: name the folder of a model, which has a {FileName}");
        string path = Path.Combine(folder, FileName);
        var index = ConfigJson.Load(path, "the list of the model's parts");
        foreach (var (key, value) in index)
        {
            if (value is null || key.StartsWith('_')) continue;
            if (!Components.Contains(key) && key != VaeFolder && !NotRun.Contains(key))
            {
                throw new ModelFileException(
                    $"{path}: the part '{key}' is not supported; a model has {string.Join(", ", Components)}, and {VaeFolder} if it works on "
                    + "latents");
            }
        }
        RequireClass(index, path, UNetFolder, UNetConfig.ClassName);
        RequireClass(index, path, TextFolder, ClipTextConfig.ClassName);
        RequireClass(index, path, SchedulerFolder, "DDIMScheduler", "PNDMScheduler");
        string unet = UNetFiles(folder).Config, text = TextFiles(folder).Config, vae = VaeFiles(folder).Config;
        string scheduler = Path.Combine(folder, SchedulerFolder, SchedulerFile);
        bool latent = index[VaeFolder] is not null;
        if (latent) RequireClass(index, path, VaeFolder, AutoencoderKLConfig.ClassName);
        var model = new ModelIndex(
            UNetConfig.FromJson(ConfigJson.Load(unet, "the UNet's configuration"), unet),
            ClipTextConfig.FromJson(ConfigJson.Load(text, "the text encoder's configuration"), text),
            ReadTokenizer(folder),
            SchedulerConfig.FromJson(ConfigJson.Load(scheduler, "the noise schedule"), scheduler),
            latent ? AutoencoderKLConfig.FromJson(ConfigJson.Load(vae, "the autoencoder's configuration"), vae) : null);
        return model.Problem() is { } problem ? throw new ModelFileException($"{folder}: {problem}") : model;
    }

    /// <summary>Writes everything but the weights into an existing folder and makes the folders for these.</summary>
    public void Write(string folder)
    {
        foreach (string component in Components) Directory.CreateDirectory(Path.Combine(folder, component));
        var index = new JsonObject
        {
            ["_class_name"] = Vae is null ? "PixelDiffusionPipeline" : "StableDiffusionPipeline",
            [SchedulerFolder] = new JsonArray("diffusers", "DDIMScheduler"),
            [TextFolder] = new JsonArray("transformers", ClipTextConfig.ClassName),
            [TokenizerFolder] = new JsonArray(Tokenizer.Library, Tokenizer.Name),
            [UNetFolder] = new JsonArray("diffusers", UNetConfig.ClassName),
        };
        if (Vae is not null)
        {
            // diffusers makes the pipeline only where these are named, be it as absent.
            (index["safety_checker"], index["feature_extractor"], index["requires_safety_checker"]) = (null, null, false);
            index[VaeFolder] = new JsonArray("diffusers", AutoencoderKLConfig.ClassName);
            Directory.CreateDirectory(Path.Combine(folder, VaeFolder));
            File.WriteAllText(Path.Combine(folder, VaeFolder, ConfigFile), Vae.ToJson());
        }
        File.WriteAllText(Path.Combine(folder, FileName), ConfigJson.Text(index));
        File.WriteAllText(Path.Combine(folder, UNetFolder, ConfigFile), UNet.ToJson());
        File.WriteAllText(Path.Combine(folder, TextFolder, ConfigFile), TextEncoder.ToJson());
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

    private static (string Config, string Weights) Files(string folder, string part, string weights) =>
        (Path.Combine(folder, part, ConfigFile), Path.Combine(folder, part, weights));

    /// <returns>The name of the class.</returns>
    private static string RequireClass(JsonObject index, string path, string component, params string[] classes)
    {
        if (index[component] is not JsonArray { Count: 2 } entry)
        {
            throw new ModelFileException($"{path}: the part '{component}' must be given as [library, class]");
        }
        string name = entry[1]?.ToString() ?? "null";
        if (!classes.Contains(name))
        {
            throw new ModelFileException($"{path}: the {component} is a {name}; supported is {string.Join(" or ", classes)}");
        }
        return name;
    }
}
