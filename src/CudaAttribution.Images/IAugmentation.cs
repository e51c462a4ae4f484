namespace CudaAttribution.Images;

/// <summary>Makes a changed copy of a picture, as a network is trained to see through.</summary>
public interface IAugmentation
{
    /// <summary>What it does, with every number that decides a result: two that say the same give the same pictures.</summary>
    string Description { get; }

    /// <summary>A changed copy, which depends on nothing but the picture and the draws.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="draw">Gives the next number of a sequence, uniform in [0, 1).</param>
    RgbImage Apply(RgbImage picture, Func<float> draw);
}
