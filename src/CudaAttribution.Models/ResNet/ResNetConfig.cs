namespace CudaAttribution.Models.ResNet;

/// <summary>A residual network for pictures (He et al. 2016), in torchvision's form.</summary>
/// <param name="Blocks">Residual blocks of each of the four stages.</param>
/// <param name="Bottleneck">
/// Whether a block is 1x1, 3x3, 1x1 with four times the channels behind it, its stride on the 3x3 (torchvision's, "v1.5"), or two of 3x3.
/// </param>
public sealed record ResNetConfig(IReadOnlyList<int> Blocks, bool Bottleneck)
{
    private const int Expansion = 4;

    /// <summary>Channels of the stem; every stage doubles them.</summary>
    public int Width { get; init; } = 64;

    /// <summary>What a picture meets first.</summary>
    public ResNetStem Stem { get; init; }

    /// <summary>Outputs of the last linear layer.</summary>
    public int Classes { get; init; } = 1000;

    /// <summary>Channels of a picture.</summary>
    public int InChannels { get; init; } = 3;

    public static ResNetConfig ResNet18 { get; } = new([2, 2, 2, 2], Bottleneck: false);

    public static ResNetConfig ResNet50 { get; } = new([3, 4, 6, 3], Bottleneck: true);

    /// <summary>Width of the features.</summary>
    public int FeatureWidth => OutChannels(Blocks.Count - 1);

    /// <summary>Channels inside the blocks of a stage.</summary>
    internal int Planes(int stage) => Width << stage;

    /// <summary>Channels behind the blocks of a stage.</summary>
    internal int OutChannels(int stage) => Planes(stage) * (Bottleneck ? Expansion : 1);

    /// <exception cref="ArgumentException">A value makes no sense; the message names it.</exception>
    internal void Validate()
    {
        if (Blocks.Count != 4 || Blocks.Any(b => b < 1))
        {
            throw new ArgumentException($"{nameof(Blocks)} must be four positive numbers, they are {string.Join(", ", Blocks)}");
        }
        foreach (var (name, value) in new[] { (nameof(Width), Width), (nameof(Classes), Classes), (nameof(InChannels), InChannels) })
        {
            if (value < 1) throw new ArgumentException($"{name} must be positive, it is {value}");
        }
    }
}

/// <summary>How a <see cref="ResNetModel"/> begins.</summary>
public enum ResNetStem
{
    /// <summary>A convolution of 7x7 with stride 2 and a maximum over 3x3 with stride 2: a quarter of the side, for pictures of 224 pixels and more.</summary>
    Halving,

    /// <summary>A convolution of 3x3 with stride 1 and no maximum: for pictures of 32 to 64 pixels.</summary>
    Keeping,
}
