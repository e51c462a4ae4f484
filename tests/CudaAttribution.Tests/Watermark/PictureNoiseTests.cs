using CudaAttribution.Images;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Watermark;

namespace CudaAttribution.Tests.Watermark;

/// <summary>What a trial does to pictures.</summary>
public class PictureNoiseTests
{
    private const int Side = 32;

    private static readonly RgbImage Picture =
        new(Side, Side, [.. Enumerable.Range(0, Side * Side * 3).Select(i => (byte)(40 + (5 * (i / 3 % Side)) + (i / 3 / Side) + (20 * (i % 3))))]);

    [Test]
    public void EachDoesWhatItIsCalled()
    {
        using var device = ComputeDevice.Open("cpu");
        var noises = PictureNoise.All(device).ToDictionary(n => n.Name, n => n.Apply(0, Picture));
        Assert.That(noises.Values.Select(p => (p.Width, p.Height)), Is.All.EqualTo((Side, Side)));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(noises["none"].Pixels, Is.EqualTo(Picture.Pixels));
            Assert.That(At(noises["mirrored"], 3, 7), Is.EqualTo(At(Picture, 3, Side - 8)));
            Assert.That(At(noises["shift by 1/16"], 9, 7), Is.EqualTo(At(Picture, 7, 5)));
            Assert.That(At(noises["shift by 1/16"], 0, 1), Is.EqualTo(At(Picture, 0, 0)), "the border is repeated");
            Assert.That(noises["resize 0.5"].Pixels, Is.EqualTo(Picture.Resize(16, 16).Resize(Side, Side).Pixels).And.Not.EqualTo(Picture.Pixels));
            Assert.That(Deviation("noise 0.02"), Is.EqualTo(0.02 * 255).Within(0.3));
            Assert.That(Deviation("JPEG 50"), Is.GreaterThan(Deviation("JPEG 95")).And.LessThan(12));
        }

        double Deviation(string name) => Math.Sqrt(Picture.Pixels.Zip(noises[name].Pixels, (a, b) => (double)(a - b) * (a - b)).Average());
    }

    [Test]
    public void TheNoiseOfTwoPicturesIsNotTheSame()
    {
        using var device = ComputeDevice.Open("cpu");
        var noise = PictureNoise.All(device).Single(n => n.Name.StartsWith("noise", StringComparison.Ordinal));
        byte[] first = noise.Apply(0, Picture).Pixels;
        Assert.That(noise.Apply(0, Picture).Pixels, Is.EqualTo(first));
        Assert.That(noise.Apply(1, Picture).Pixels, Is.Not.EqualTo(first));
    }

    private static byte At(RgbImage picture, int row, int column) => picture.Pixels[((row * Side) + column) * 3];
}
