namespace CudaAttribution.Models.Files.SingleFile;

/// <summary>The two generations of Stable Diffusion that differ in text encoder and UNet.</summary>
public enum StableDiffusionFamily
{
    /// <summary>v1.x: CLIP ViT-L/14, projections as 1x1 convolutions, 8 heads.</summary>
    V1,

    /// <summary>v2.x: OpenCLIP ViT-H/14, projections as matrices, heads of width 64.</summary>
    V2,
}

/// <summary>Which of the UNet's weights a single file is read for, where it has both.</summary>
public enum UNetWeights
{
    /// <summary>Those at the end of training: what diffusers takes, and what to fine-tune.</summary>
    Plain,

    /// <summary>Their moving average, which often samples better.</summary>
    Ema,
}

/// <summary>What a single file cannot say itself.</summary>
public sealed record SingleFileOptions
{
    public UNetWeights UNetWeights { get; init; } = UNetWeights.Plain;

    /// <summary>Layers of an OpenCLIP text encoder that are used; those after them are ignored. 23 of 24 in Stable Diffusion v2.</summary>
    public int OpenClipLayers { get; init; } = OpenClipNames.UsedLayers;
}
