using CudaAttribution.Images;

namespace CudaAttribution.Answers;

/// <summary>A picture, or why there is none.</summary>
public sealed record Answer
{
    private Answer(RgbImage? image, string? failure, Receipt? receipt) => (Image, Failure, Receipt) = (image, failure, receipt);

    public RgbImage? Image { get; }

    /// <summary>Why there is no picture; null where there is one.</summary>
    public string? Failure { get; }

    /// <summary>What a service said beside the picture; null for a model on this machine.</summary>
    public Receipt? Receipt { get; }

    public static Answer Of(RgbImage image, Receipt? receipt = null) => new(image, null, receipt);

    public static Answer Failed(string reason, Receipt? receipt = null) => new(null, reason, receipt);
}

/// <summary>What a service said beside the picture.</summary>
/// <param name="ResponseSha256">SHA-256 of <paramref name="ResponseFile"/>; null where no complete answer came.</param>
/// <param name="ResponseFile">The body of the last answer as it came, below the folder of the run; null where none was kept.</param>
/// <param name="Status">HTTP status of the last answer; null where none came.</param>
/// <param name="Width">Width of the picture as it came; null where there is none.</param>
/// <param name="Height">Its height.</param>
/// <param name="Service">What the service said of itself; null where it said nothing.</param>
public sealed record Receipt(string? ResponseSha256, string? ResponseFile, int? Status, int? Width, int? Height, ServiceInfo? Service);

/// <summary>What a service says that it drew a picture with, each null where it does not say. Names are those of AUTOMATIC1111's <c>info</c>.</summary>
public sealed record ServiceInfo
{
    public string? SdModelHash { get; init; }

    public string? SdModelName { get; init; }

    public string? SamplerName { get; init; }

    public int? Width { get; init; }

    public int? Height { get; init; }

    public ulong? Seed { get; init; }

    public int? Steps { get; init; }

    public double? CfgScale { get; init; }
}
