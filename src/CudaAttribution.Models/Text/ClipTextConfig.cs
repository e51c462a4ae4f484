using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.UNet;

namespace CudaAttribution.Models.Text;

/// <summary>Configuration of <see cref="ClipTextModel"/> under the names of Hugging Face's <c>CLIPTextConfig</c>, with its defaults.</summary>
public sealed record ClipTextConfig
{
    public int VocabSize { get; init; } = 49408;

    public int HiddenSize { get; init; } = 512;

    public int IntermediateSize { get; init; } = 2048;

    public int NumHiddenLayers { get; init; } = 12;

    public int NumAttentionHeads { get; init; } = 8;

    /// <summary>Tokens of a prompt, padding included.</summary>
    public int MaxPositionEmbeddings { get; init; } = 77;

    /// <summary><c>quick_gelu</c> (x·σ(1.702x)) or <c>gelu</c> (with erf).</summary>
    public string HiddenAct { get; init; } = QuickGelu;

    public float LayerNormEps { get; init; } = 1e-5f;

    internal const string ClassName = "CLIPTextModel", QuickGelu = "quick_gelu", Gelu = "gelu";

    private static readonly Dictionary<string, string[]> Pinned = new()
    {
        ["attention_dropout"] = ["0"],
        ["dropout"] = ["0"],
        ["model_type"] = ["\"clip_text_model\""],
    };

    private static readonly HashSet<string> Metadata =
    [
        "_class_name", "_name_or_path", "architectures", "bos_token_id", "dtype", "eos_token_id", "initializer_factor", "initializer_range",
        "pad_token_id", "projection_dim", "torch_dtype", "transformers_version",
    ];

    /// <summary>Reads a Hugging Face <c>config.json</c>; <paramref name="source"/> names it in errors.</summary>
    /// <exception cref="ModelFileException">Unknown key, unsupported value or an inconsistent configuration.</exception>
    public static ClipTextConfig FromJson(string json, string source) => FromJson(ConfigJson.Parse(json, source), source);

    internal static ClipTextConfig FromJson(JsonObject json, string source)
    {
        var config = ConfigJson.Read<ClipTextConfig>(json, source, Pinned, Metadata);
        if (config.Problem() is { } problem) throw new ModelFileException($"{source}: {problem}");
        return config;
    }

    /// <summary>As transformers reads it.</summary>
    public string ToJson() =>
        ConfigJson.Write(this, new JsonObject { ["architectures"] = new JsonArray(ClassName), ["model_type"] = "clip_text_model" });

    /// <summary>What is inconsistent, as a sentence; null where nothing is.</summary>
    internal string? Problem()
    {
        if (new[] { VocabSize, HiddenSize, IntermediateSize, NumHiddenLayers, NumAttentionHeads, MaxPositionEmbeddings }.Any(v => v < 1))
        {
            return "a size is zero or negative";
        }
        if (HiddenSize % NumAttentionHeads != 0) return $"hidden_size {HiddenSize} is not divisible by num_attention_heads {NumAttentionHeads}";
        if (UNetConfig.HeadProblem(HiddenSize / NumAttentionHeads) is { } problem)
        {
            return $"hidden_size {HiddenSize} over {NumAttentionHeads} heads: {problem}";
        }
        if (HiddenAct is not (QuickGelu or Gelu)) return $"hidden_act '{HiddenAct}' is not supported, only {QuickGelu} and {Gelu}";
        return LayerNormEps > 0 && float.IsFinite(LayerNormEps) ? null : $"layer_norm_eps must be positive, it is {LayerNormEps}";
    }
}
