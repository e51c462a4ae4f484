using CudaAttribution.Models.Files;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;

namespace CudaAttribution.Models.Tests;

/// <summary>The published models' parts at their full size.</summary>
internal static class StableDiffusion
{
    public static ModelIndex V15 { get; } = new(
        new UNetConfig { SampleSize = 64, CrossAttentionDim = 768 },
        new ClipTextConfig { HiddenSize = 768, IntermediateSize = 3072, NumAttentionHeads = 12 },
        ClipTokenizer.OpenAI(),
        new SchedulerConfig(),
        new AutoencoderKLConfig { BlockOutChannels = [128, 256, 512, 512], LayersPerBlock = 2, SampleSize = 512 });

    /// <summary>v2.1 at 768 pixels.</summary>
    public static ModelIndex V21 { get; } = new(
        new UNetConfig
        {
            SampleSize = 96, CrossAttentionDim = 1024, AttentionHeadDim = new[] { 5, 10, 20, 20 }, UseLinearProjection = true, UpcastAttention = true,
        },
        V15.TextEncoder with { HiddenSize = 1024, IntermediateSize = 4096, NumAttentionHeads = 16, NumHiddenLayers = 23, HiddenAct = "gelu" },
        ClipTokenizer.OpenAI("!"),
        new SchedulerConfig { PredictionType = PredictionType.VPrediction },
        V15.Vae! with { SampleSize = 768 });
}
