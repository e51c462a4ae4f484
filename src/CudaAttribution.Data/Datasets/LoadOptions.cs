using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;

namespace CudaAttribution.Data.Datasets;

/// <summary>What happens when a picture is missing, truncated, too large or not a picture.</summary>
public enum BadImagePolicy
{
    /// <summary>Loading ends with a <see cref="DatasetException"/> that names the file. The default.</summary>
    Fail,

    /// <summary>The picture is left out and listed in <see cref="CaptionedDataset.Skipped"/>.</summary>
    Skip,
}

/// <summary>How a data set is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>Side in pixels of the squares that the pictures become; null keeps each picture as it is.</summary>
    public int? Size { get; init; }

    /// <summary>How a picture that is not square becomes one.</summary>
    public ResizeMode Resize { get; init; } = ResizeMode.CropCentre;

    public BadImagePolicy OnBadImage { get; init; } = BadImagePolicy.Fail;

    /// <summary>A picture whose header states more pixels than this is a bad picture.</summary>
    public long MaxPixels { get; init; } = ImageCodecs.MostPixels;

    /// <summary>A picture file longer than this is a bad picture.</summary>
    public long MaxFileBytes { get; init; } = 256L << 20;
}
