using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.UNet;

namespace CudaAttribution.Models.Benchmark;

/// <summary>
/// A UNet's architecture with its noise schedule and the length of the text that it is conditioned on: all that random weights need. A smaller one
/// for a rehearsal is an edit of <see cref="UNet"/>: <see cref="UNetConfig.WithChannels"/>, and <see cref="UNetConfig.SampleSize"/>.
/// </summary>
/// <param name="Name">What it is called.</param>
/// <param name="UNet">The UNet.</param>
/// <param name="Scheduler">Noise schedule and prediction type.</param>
/// <param name="Tokens">Tokens of a prompt: L of the text embeddings <c>[N,L,cross_attention_dim]</c>.</param>
public sealed record UNetPreset(string Name, UNetConfig UNet, SchedulerConfig Scheduler, int Tokens)
{
    private const int ClipTokens = 77;

    /// <summary>Stable Diffusion v1.5 at 512 pixels: 859,520,964 parameters, latents of 64 x 64.</summary>
    public static UNetPreset StableDiffusion15 { get; } =
        new("sd-v1.5", new UNetConfig { SampleSize = 64, CrossAttentionDim = 768 }, new SchedulerConfig(), ClipTokens);

    /// <summary>Stable Diffusion v2.1 at 768 pixels: 865,910,724 parameters, latents of 96 x 96.</summary>
    public static UNetPreset StableDiffusion21 { get; } = new(
        "sd-v2.1",
        new UNetConfig
        {
            SampleSize = 96, CrossAttentionDim = 1024, AttentionHeadDim = new[] { 5, 10, 20, 20 }, UseLinearProjection = true, UpcastAttention = true,
        },
        new SchedulerConfig { PredictionType = PredictionType.VPrediction },
        ClipTokens);

    /// <summary>Names that <see cref="Named"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [StableDiffusion15.Name, StableDiffusion21.Name, .. ModelPreset.Names];

    /// <summary>Stable Diffusion's, or the UNet of a <see cref="ModelPreset"/>: one that ships with the program, or a file.</summary>
    /// <exception cref="ModelFileException">There is neither such a name nor such a file, or the file is no preset.</exception>
    public static UNetPreset Named(string nameOrPath)
    {
        if (new[] { StableDiffusion15, StableDiffusion21 }.FirstOrDefault(p => p.Name == nameOrPath) is { } known) return known;
        if (!Names.Contains(nameOrPath) && !File.Exists(nameOrPath))
            throw new ModelFileException($"there is no UNet '{nameOrPath}': use {string.Join(", ", Names)} or the path of a preset file");
        var preset = ModelPreset.Load(nameOrPath);
        return new UNetPreset(preset.Name, preset.UNet, preset.Scheduler, preset.MaxTokens);
    }
}
