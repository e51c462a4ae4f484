using CudaAttribution.Images;

namespace CudaAttribution.Keys;

/// <summary>Which picture of a key an answer is compared with.</summary>
public enum KeyReference
{
    /// <summary>x: the real picture that the source was trained on.</summary>
    Training,

    /// <summary>r: the most central of the source's own pictures for the prompt.</summary>
    Medoid,
}

/// <summary>One key: a prompt with the two pictures that an answer to it can resemble (docs/method.md "Keys").</summary>
public sealed record Key
{
    public required string Prompt { get; init; }

    /// <summary>Id of the training picture in the owner's data set.</summary>
    public required string TrainingId { get; init; }

    /// <summary>x, the real training picture.</summary>
    public required RgbImage Training { get; init; }

    /// <summary>r, the source's medoid for the prompt.</summary>
    public required RgbImage Medoid { get; init; }

    public required KeyReference Reference { get; init; }

    /// <summary>The picture that conf compares with.</summary>
    public RgbImage ReferenceImage => Reference == KeyReference.Training ? Training : Medoid;

    /// <summary>v: median distance between the source's draws.</summary>
    public required double Dispersion { get; init; }

    /// <summary>m: distance of the source's best draw from the training picture.</summary>
    public required double Reconstruction { get; init; }

    /// <summary>n: distance of the nearest answer of a SEL innocent from the reference; null without SEL innocents.</summary>
    public required double? Innocent { get; init; }

    /// <summary>Share of the SEL innocents' answers that are closer to the medoid than to the training picture; null without SEL innocents.</summary>
    public required double? InnocentPaired { get; init; }

    /// <summary>s: what the keys were ranked by; smaller is better. Null for random keys.</summary>
    public required double? Score { get; init; }

    /// <summary>d(r, x): how far apart the two pictures of the paired test are.</summary>
    public required double Divergence { get; init; }

    /// <summary>Counts in conf.</summary>
    public required bool ForConfidence { get; init; }

    /// <summary>Counts in the paired test.</summary>
    public required bool ForPaired { get; init; }
}

/// <summary>The source's own counts on the frozen keys with fresh noise: what a perfect copy of it would reach.</summary>
/// <param name="Hits">Hits among the keys of conf.</param>
/// <param name="Paired">Wins among the keys of the paired test.</param>
public sealed record SourceRate(int Hits, int Paired);
