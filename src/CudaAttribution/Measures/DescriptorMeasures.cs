using CudaAttribution.Images;

namespace CudaAttribution.Measures;

/// <summary>
/// What the measures of a descriptor share. The name of each says which descriptor it is of, so that results of two are never taken for each other. A
/// picture goes into the network by itself, resized to the network's side: what it is compared with does not matter.
/// </summary>
/// <param name="name">Name of the kind.</param>
/// <param name="space">The descriptor.</param>
public abstract class DescriptorMeasure(string name, DescriptorSpace space) : IPictureMeasure
{
    public string Name { get; } = MeasureName.Of(name, space.Identity);

    public abstract double DefaultThreshold { get; }

    public virtual double Maximum => 2;

    protected DescriptorSpace Space => space;

    public PreparedPictures Prepare(IReadOnlyList<RgbImage> pictures) => space.Prepare(pictures);

    public virtual double[,] Matrix(PreparedPictures references, PreparedPictures answers)
    {
        var pairs = space.Similarities(references, answers);
        var distances = new double[pairs.GetLength(0), pairs.GetLength(1)];
        for (int i = 0; i < pairs.GetLength(0); i++)
        {
            for (int j = 0; j < pairs.GetLength(1); j++) distances[i, j] = Of(pairs[i, j].Cosine);
        }
        return distances;
    }

    /// <summary>The distance at a cosine.</summary>
    protected abstract double Of(double cosine);
}

/// <summary>d_sscd = 1 − cosine of the descriptors (Pizzi et al. 2022).</summary>
public sealed class SscdDistance(DescriptorSpace space) : DescriptorMeasure(KindName, space)
{
    public const string KindName = "sscd";

    /// <summary>Cosine 0.75, where 90 % of the pairs that the published network found on DISC2021 were copies.</summary>
    public const double Threshold = 0.25;

    public override double DefaultThreshold => Threshold;

    protected override double Of(double cosine) => 1 - cosine;
}

/// <summary>
/// d_embed = √(2 − 2 cosine), the Euclidean distance of the descriptors: the other reading of "distance" in attacks on fine-tuned models by
/// reconstruction (Pang and Wang 2023). It orders pairs as <see cref="SscdDistance"/> does, and its means and quantiles are others.
/// </summary>
public sealed class EmbeddingDistance(DescriptorSpace space) : DescriptorMeasure(KindName, space)
{
    public const string KindName = "embed";

    /// <summary>The same cosine, 0.75, as of <see cref="SscdDistance"/>.</summary>
    public override double DefaultThreshold => Math.Sqrt(2 * SscdDistance.Threshold);

    protected override double Of(double cosine) => Math.Sqrt(2 - (2 * cosine));
}

/// <summary>
/// d_mix = max(d_px / 0.15, d_sscd / 0.25), with threshold 1: a hit must be one in both, in pixels and in what they show. The picture's own size is that
/// of the reference for the first and the network's for the second.
/// </summary>
public sealed class MixedDistance(DescriptorSpace space, PixelDistance pixels) : DescriptorMeasure(KindName, space)
{
    public const string KindName = "mix";

    public override double DefaultThreshold => 1;

    public override double Maximum => Math.Max(pixels.Maximum / pixels.DefaultThreshold, base.Maximum / SscdDistance.Threshold);

    public override double[,] Matrix(PreparedPictures references, PreparedPictures answers)
    {
        double[,] mixed = base.Matrix(references, answers), plain = pixels.Matrix(references, answers);
        for (int i = 0; i < mixed.GetLength(0); i++)
        {
            for (int j = 0; j < mixed.GetLength(1); j++) mixed[i, j] = Math.Max(mixed[i, j], plain[i, j] / pixels.DefaultThreshold);
        }
        return mixed;
    }

    protected override double Of(double cosine) => (1 - cosine) / SscdDistance.Threshold;
}
