using System.Globalization;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;

namespace CudaAttribution.Data.Augmentations;

/// <summary>
/// What a copied picture may have gone through, each with a chance of its own and in this order: another colour in place of the white around the motif, a
/// mirror, a small rotation, a random crop back to the size, brightness, contrast, saturation and hue, blur, JPEG. The size stays. Only
/// arithmetic and square roots are used, so the draws decide the bits on every machine, but for those of the JPEG codec.
/// </summary>
public sealed record CopyAugmentation : IAugmentation
{
    /// <summary>Chance of another background: white that reaches the border becomes one colour.</summary>
    public double Background { get; init; } = 0.3;

    public double Flip { get; init; } = 0.5;

    public double Rotation { get; init; } = 0.5;

    /// <summary>Least share of the area that a crop keeps; its sides differ by a factor of 4/3 at most. Every copy is cropped.</summary>
    public double LeastArea { get; init; } = 0.5;

    public double Jitter { get; init; } = 0.8;

    public double Blur { get; init; } = 0.3;

    public double Jpeg { get; init; } = 0.3;

    public string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"copy-1 background {Background}, flip {Flip}, rotation {Rotation}, crop {LeastArea}, jitter {Jitter}, blur {Blur}, jpeg {Jpeg} {ImageCodecs.Name}");

    public RgbImage Apply(RgbImage picture, Func<float> draw)
    {
        var image = picture;
        // Every number is drawn, used or not: so the chance of one change moves no other.
        image = Recolouring.Background(image, draw() < Background, draw(), draw(), draw());
        image = Reshaping.Mirror(image, draw() < Flip);
        image = Reshaping.Rotate(image, draw() < Rotation, draw());
        image = Reshaping.Crop(image, LeastArea, draw(), draw(), draw(), draw());
        image = Recolouring.Jitter(image, draw() < Jitter, draw(), draw(), draw(), draw());
        image = Reshaping.Blur(image, draw() < Blur, draw(), draw());
        bool jpeg = draw() < Jpeg;
        int quality = 30 + (int)(draw() * 66);
        return jpeg ? ImageCodecs.Decode(ImageCodecs.EncodeJpeg(image, quality)).OverWhite() : image;
    }
}
