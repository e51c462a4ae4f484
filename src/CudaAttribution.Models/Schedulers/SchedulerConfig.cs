using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CudaAttribution.Models.Configuration;

namespace CudaAttribution.Models.Schedulers;

/// <summary>What the UNet predicts.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<PredictionType>))]
public enum PredictionType
{
    /// <summary>The noise ε.</summary>
    Epsilon,

    /// <summary>v = √ᾱ·ε − √(1−ᾱ)·x̂0.</summary>
    VPrediction,
}

/// <summary>Which of the training timesteps a sampler visits; diffusers' three ways, for S steps of T.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<TimestepSpacing>))]
public enum TimestepSpacing
{
    /// <summary>k·(T div S) + steps_offset.</summary>
    Leading,

    /// <summary>round(k·(T−1)/(S−1)).</summary>
    Linspace,

    /// <summary>round(T − k·T/S) − 1.</summary>
    Trailing,
}

/// <summary>
/// Configuration of noise schedule and sampler under the names of diffusers' <c>scheduler_config.json</c>. The defaults are Stable Diffusion's
/// schedule under DDIM, not those of diffusers' class, so a key that is absent from a file takes the default of diffusers instead
/// (<see cref="FromJson(string, string)"/>).
/// </summary>
public sealed record SchedulerConfig
{
    public int NumTrainTimesteps { get; init; } = 1000;

    public double BetaStart { get; init; } = 0.00085;

    public double BetaEnd { get; init; } = 0.012;

    public int StepsOffset { get; init; } = 1;

    /// <summary>Whether the last step goes to ᾱ = 1 instead of ᾱ of timestep 0.</summary>
    public bool SetAlphaToOne { get; init; }

    public TimestepSpacing TimestepSpacing { get; init; } = TimestepSpacing.Leading;

    public PredictionType PredictionType { get; init; } = PredictionType.Epsilon;

    private static readonly Dictionary<string, string[]> Pinned = new()
    {
        ["beta_schedule"] = ["\"scaled_linear\""],
        ["clip_sample"] = ["false"],
        ["rescale_betas_zero_snr"] = ["false"],
        ["thresholding"] = ["false"],
        ["trained_betas"] = ["null"],
    };

    /// <summary>
    /// The ranges say nothing while clipping and thresholding are off; <c>skip_prk_steps</c> belongs to PNDM, in whose place DDIM is used.
    /// </summary>
    private static readonly HashSet<string> Metadata =
    [
        "_class_name", "_diffusers_version", "clip_sample_range", "dynamic_thresholding_ratio", "sample_max_value", "skip_prk_steps",
    ];

    /// <summary>What diffusers assumes for a key that the file does not have.</summary>
    private static readonly Dictionary<string, string> DiffusersDefaults = new()
    {
        ["num_train_timesteps"] = "1000",
        ["beta_start"] = "0.0001",
        ["beta_end"] = "0.02",
        ["beta_schedule"] = "\"linear\"",
        ["clip_sample"] = "true",
        ["set_alpha_to_one"] = "true",
        ["steps_offset"] = "0",
        ["prediction_type"] = "\"epsilon\"",
        ["timestep_spacing"] = "\"leading\"",
    };

    /// <summary>Reads a diffusers <c>scheduler_config.json</c> of DDIM or PNDM; <paramref name="source"/> names it in errors.</summary>
    /// <exception cref="ModelFileException">Unknown key, unsupported value or an inconsistent configuration.</exception>
    public static SchedulerConfig FromJson(string json, string source) => FromJson(ConfigJson.Parse(json, source), source);

    internal static SchedulerConfig FromJson(JsonObject json, string source)
    {
        // PNDM never clips and has no such key.
        bool clips = json["_class_name"]?.ToString() is not { } name || !name.StartsWith("PNDM", StringComparison.Ordinal);
        var complete = json.DeepClone().AsObject();
        foreach (var (key, value) in DiffusersDefaults)
        {
            if (!complete.ContainsKey(key) && (clips || key != "clip_sample")) complete[key] = JsonNode.Parse(value);
        }
        var config = ConfigJson.Read<SchedulerConfig>(complete, source, Pinned, Metadata);
        if (config.Problem() is { } problem) throw new ModelFileException($"{source}: {problem}");
        return config;
    }

    /// <summary>As diffusers' <c>DDIMScheduler</c> reads it.</summary>
    public string ToJson() => ConfigJson.Write(
        this,
        new JsonObject { ["_class_name"] = "DDIMScheduler", ["beta_schedule"] = "scaled_linear", ["clip_sample"] = false, ["trained_betas"] = null });

    /// <summary>What is inconsistent, as a sentence; null where nothing is.</summary>
    internal string? Problem()
    {
        if (NumTrainTimesteps < 1) return $"num_train_timesteps must be positive, it is {NumTrainTimesteps}";
        if (!(BetaStart > 0 && BetaStart <= BetaEnd && BetaEnd < 1))
        {
            return $"betas must satisfy 0 < beta_start <= beta_end < 1, they are {BetaStart} and {BetaEnd}";
        }
        return StepsOffset >= 0 ? null : $"steps_offset must not be negative, it is {StepsOffset}";
    }
}

/// <summary>Enum members under their snake_case names, and no others.</summary>
internal sealed class SnakeCaseEnumConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
