using System.Reflection;
using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;

namespace CudaAttribution.Models.Files;

/// <summary>
/// A new model's architecture: UNet, text encoder, tokenizer and schedule, in one JSON file with the sections <c>unet</c>, <c>text_encoder</c>,
/// <c>tokenizer</c> and <c>scheduler</c>. The vocabulary size is the tokenizer's and the number of positions its length, so <c>text_encoder</c> has
/// neither. Presets that ship with the program are the files in <c>Presets/</c>.
/// </summary>
/// <param name="Name">Name of the file without its ending.</param>
/// <param name="UNet">The UNet.</param>
/// <param name="TextEncoder">The text encoder; vocabulary and positions are set by <see cref="TextEncoderFor"/>.</param>
/// <param name="Scheduler">Noise schedule and prediction type; a key that is absent has Stable Diffusion's value.</param>
/// <param name="MaxTokens">Tokens of a prompt.</param>
/// <param name="MaxVocabulary">Largest vocabulary.</param>
public sealed record ModelPreset(
    string Name, UNetConfig UNet, ClipTextConfig TextEncoder, SchedulerConfig Scheduler, int MaxTokens, int MaxVocabulary)
{
    private const string ResourceFolder = "Presets.";

    /// <summary>Names of the presets that ship with the program, in ordinal order.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(n => n.StartsWith(ResourceFolder, StringComparison.Ordinal))
            .Select(n => n[ResourceFolder.Length..^".json".Length])
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>A shipped preset by its name, or a preset file by its path.</summary>
    /// <exception cref="ModelFileException">There is neither, or the file is no preset.</exception>
    public static ModelPreset Load(string nameOrPath)
    {
        if (Names.Contains(nameOrPath))
        {
            using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream($"{ResourceFolder}{nameOrPath}.json")!);
            return FromJson(reader.ReadToEnd(), nameOrPath, $"preset {nameOrPath}");
        }
        if (File.Exists(nameOrPath)) return FromJson(File.ReadAllText(nameOrPath), Path.GetFileNameWithoutExtension(nameOrPath), nameOrPath);
        throw new ModelFileException($"there is no preset '{nameOrPath}': use {string.Join(", ", Names)} or the path of a preset file");
    }

    /// <summary>Reads a preset; <paramref name="source"/> names it in errors.</summary>
    /// <exception cref="ModelFileException">A section is missing, unknown or unusable.</exception>
    public static ModelPreset FromJson(string json, string name, string source)
    {
        var root = ConfigJson.Parse(json, source);
        string[] sections = ["unet", "text_encoder", "tokenizer", "scheduler"];
        if (root.FirstOrDefault(s => !sections.Contains(s.Key)).Key is { } unknown)
        {
            throw new ModelFileException($"{source}: unknown section '{unknown}', there are {string.Join(", ", sections)}");
        }
        JsonObject Section(string key) => root[key] as JsonObject ?? throw new ModelFileException($"{source}: the section '{key}' is missing");
        var tokenizer = ConfigJson.Read<TokenizerSection>(
            Section("tokenizer"), $"{source}, tokenizer", new Dictionary<string, string[]>(), new HashSet<string>());
        var text = ClipTextConfig.FromJson(Section("text_encoder"), $"{source}, text_encoder");
        var scheduler = ConfigJson.Parse(new SchedulerConfig().ToJson(), source);
        foreach (var (key, value) in Section("scheduler")) scheduler[key] = value?.DeepClone();
        var unet = UNetConfig.FromJson(Section("unet"), $"{source}, unet");
        if (unet.CrossAttentionDim != text.HiddenSize)
        {
            throw new ModelFileException(
                $"{source}: cross_attention_dim {unet.CrossAttentionDim} differs from the text encoder's hidden_size {text.HiddenSize}");
        }
        if (unet.InChannels != unet.OutChannels)
        {
            throw new ModelFileException(
                $"{source}: in_channels {unet.InChannels} and out_channels {unet.OutChannels} must be equal: the model predicts noise of its "
                + "input's shape");
        }
        var schedule = SchedulerConfig.FromJson(scheduler, $"{source}, scheduler");
        return new ModelPreset(name, unet, text, schedule, tokenizer.ModelMaxLength, tokenizer.MaxVocabulary);
    }

    /// <summary>The text encoder's configuration for a tokenizer.</summary>
    public ClipTextConfig TextEncoderFor(ITokenizer tokenizer) =>
        TextEncoder with { VocabSize = tokenizer.VocabSize, MaxPositionEmbeddings = tokenizer.MaxLength };

    private sealed record TokenizerSection
    {
        public required int ModelMaxLength { get; init; }

        public required int MaxVocabulary { get; init; }
    }
}
