using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;

namespace CudaAttribution.Models.Files.Sources;

/// <summary>Configurations that stand in place of a model's own; null where the model's own holds.</summary>
internal sealed record ConfigOverrides(
    UNetConfig? UNet = null, AutoencoderKLConfig? Vae = null, ClipTextConfig? TextEncoder = null, SchedulerConfig? Scheduler = null)
{
    /// <summary>A key that only one kind of file has, for files without a class name.</summary>
    private static readonly (string Key, string Class)[] Marks =
    [
        ("cross_attention_dim", UNetConfig.ClassName), ("attention_head_dim", UNetConfig.ClassName), ("latent_channels", AutoencoderKLConfig.ClassName),
        ("scaling_factor", AutoencoderKLConfig.ClassName), ("vocab_size", ClipTextConfig.ClassName), ("hidden_act", ClipTextConfig.ClassName),
        ("beta_start", SchedulerClass),
    ];

    private const string SchedulerClass = "DDIMScheduler";

    /// <summary>Reads the files; which part each is of is told by its <c>_class_name</c> or <c>architectures</c>, or else by its keys.</summary>
    /// <exception cref="ModelFileException">A file is unusable, of no known part, or the second of its part.</exception>
    public static ConfigOverrides Load(IReadOnlyList<string> paths)
    {
        var result = new ConfigOverrides();
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string path in paths)
        {
            var json = ConfigJson.Load(path, "a configuration to use in place of the model's own");
            string name = ClassOf(json) ?? throw new ModelFileException(
                $"{path} does not say what it configures: give it a \"_class_name\", {UNetConfig.ClassName}, {AutoencoderKLConfig.ClassName}, "
                + $"{ClipTextConfig.ClassName} or {SchedulerClass}");
            if (name.EndsWith("Scheduler", StringComparison.Ordinal)) name = SchedulerClass;
            if (!seen.TryAdd(name, path)) throw new ModelFileException($"{path} and {seen[name]} are both configurations of a {name}: give one");
            result = name switch
            {
                UNetConfig.ClassName => result with { UNet = UNetConfig.FromJson(json, path) },
                AutoencoderKLConfig.ClassName => result with { Vae = AutoencoderKLConfig.FromJson(json, path) },
                ClipTextConfig.ClassName => result with { TextEncoder = ClipTextConfig.FromJson(json, path) },
                SchedulerClass => result with { Scheduler = SchedulerConfig.FromJson(json, path) },
                _ => throw new ModelFileException($"{path} configures a {name}, which no supported model has"),
            };
        }
        return result;
    }

    private static string? ClassOf(JsonObject json) =>
        json["_class_name"]?.ToString()
        ?? (json["architectures"] as JsonArray)?.FirstOrDefault()?.ToString()
        ?? Marks.FirstOrDefault(m => json.ContainsKey(m.Key)).Class;
}
