using CudaAttribution.Answers;

namespace CudaAttribution.Experiments.Units;

/// <summary>Settings of <see cref="DrawKind"/>.</summary>
public sealed record DrawSettings
{
    /// <summary>What to draw, a picture of each.</summary>
    public IReadOnlyList<string> Prompts { get; init; } = [];

    /// <summary>Seed of the noise.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>What the noise is for.</summary>
    public NoisePurpose Purpose { get; init; } = NoisePurpose.Testing;

    /// <summary>Number of the first picture in its noise stream: units that share a long list of prompts go on where the one before ends.</summary>
    public long First { get; init; }

    /// <summary>How pictures are made.</summary>
    public SamplingRecipe Sampling { get; init; } = new();
}
