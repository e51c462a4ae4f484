using CudaAttribution.Models.Benchmark;

namespace CudaAttribution.GpuQueue.Steps;

/// <summary>The UNet that a step is about.</summary>
internal static class StepModel
{
    private const int ReducedSide = 8;
    private const int ReducedChannels = 32;

    /// <summary>The step's UNet; in a rehearsal with few channels on small latents.</summary>
    public static UNetPreset Of(StepContext context)
    {
        var preset = UNetPreset.Named(context.Step.Model!);
        if (!context.Reduced) return preset;
        var unet = preset.UNet.WithChannels(ReducedChannels) with { SampleSize = Math.Min(ReducedSide, preset.UNet.SampleSize) };
        return preset with { Name = preset.Name + " reduced", UNet = unet };
    }

    /// <summary>Pictures computed together.</summary>
    public static int Batch(StepContext context) => context.Reduced ? Math.Min(2, context.Step.Batch!.Value) : context.Step.Batch!.Value;
}
