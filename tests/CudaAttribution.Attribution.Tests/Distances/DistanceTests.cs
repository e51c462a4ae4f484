using CudaAttribution.Data;
using CudaAttribution.Tensors;

namespace CudaAttribution.Attribution.Tests;

public class DistanceTests
{
    private ComputeDevice _device = null!;

    [OneTimeSetUp]
    public void Open() => _device = ComputeDevice.Open("cpu", "kernels");

    [OneTimeTearDown]
    public void Close() => _device.Dispose();

    [Test]
    public void PixelDistanceIsTheFormula()
    {
        var references = Pictures(5, 16, 16, 1);
        var answers = Pictures(7, 16, 16, 2);
        var actual = new PixelDistance(_device).Matrix(references, answers);
        var expected = new PlainDistance().Matrix(references, answers);
        for (int i = 0; i < 5; i++)
        {
            for (int j = 0; j < 7; j++) Assert.That(actual[i, j], Is.EqualTo(expected[i, j]).Within(1e-12));
        }
    }

    [Test]
    public void TileDistanceIsTheLargestTile()
    {
        var a = Pictures(1, 16, 12, 3)[0];
        var b = Pictures(1, 16, 12, 4)[0];
        double largest = 0;
        for (int y = 0; y < 4; y++)
        {
            for (int x = 0; x < 4; x++)
                largest = Math.Max(largest, new PlainDistance().Matrix([a.Crop(4 * x, 3 * y, 4, 3)], [b.Crop(4 * x, 3 * y, 4, 3)])[0, 0]);
        }
        Assert.That(new TileDistance(_device).Between(a, b), Is.EqualTo(largest).Within(1e-12));
    }

    [Test]
    public void ExtremesAreZeroAndTheMaximum()
    {
        var white = RgbImage.Filled(8, 8, 255, 255, 255);
        var black = RgbImage.Filled(8, 8, 0, 0, 0);
        foreach (string name in DistanceRegistry.Names)
        {
            var metric = DistanceRegistry.Create(name, _device);
            Assert.That(metric.Name, Is.EqualTo(name));
            Assert.That(metric.Between(white, white), Is.Zero);
            Assert.That(metric.Between(white, black), Is.EqualTo(metric.Maximum));
            Assert.That(metric.DefaultThreshold, Is.EqualTo(0.15));
        }
    }

    /// <summary>References of several sizes in one call: every answer is resized to the reference it is compared with.</summary>
    [Test]
    public void AnswersAreResizedToTheirReference()
    {
        RgbImage[] references = [.. Pictures(2, 16, 16, 5), .. Pictures(2, 8, 8, 6), .. Pictures(1, 16, 16, 7)];
        var answers = Pictures(3, 24, 24, 8);
        var actual = new PixelDistance(_device).Matrix(references, answers);
        for (int i = 0; i < references.Length; i++)
        {
            for (int j = 0; j < answers.Count; j++)
            {
                var resized = answers[j].Resize(references[i].Width, references[i].Height);
                Assert.That(actual[i, j], Is.EqualTo(new PlainDistance().Matrix([references[i]], [resized])[0, 0]).Within(1e-12));
            }
        }
    }

    [Test]
    public void DevicesAgreeBitForBit()
    {
        using var simt = ComputeDevice.Open("simt", "kernels");
        var references = Pictures(3, 16, 16, 9);
        var answers = Pictures(4, 16, 16, 10);
        foreach (string name in DistanceRegistry.Names)
            Assert.That(
                DistanceRegistry.Create(name, simt).Matrix(references, answers),
                Is.EqualTo(DistanceRegistry.Create(name, _device).Matrix(references, answers)),
                name);
    }

    [Test]
    public void NoReferencesAndNoAnswersGiveNoDistances()
    {
        Assert.That(new PixelDistance(_device).Matrix([], Pictures(2, 8, 8, 1)), Is.Empty);
        Assert.That(new PixelDistance(_device).Matrix(Pictures(2, 8, 8, 1), []), Is.Empty);
    }

    [Test]
    public void UnknownMetricsAndTinyTilesAreRefused()
    {
        Assert.That(
            Assert.Throws<AttributionException>(() => DistanceRegistry.Create("sscd", _device))!.Message,
            Does.Contain("unknown metric 'sscd'").And.Contain("px, tile"));
        Assert.Throws<AttributionException>(() => new TileDistance(_device).Between(RgbImage.Filled(3, 8, 0, 0, 0), RgbImage.Filled(3, 8, 0, 0, 0)));
    }

    private static IReadOnlyList<RgbImage> Pictures(int count, int width, int height, ulong seed)
    {
        var random = new SplitMix64(seed);
        var pictures = new RgbImage[count];
        for (int i = 0; i < count; i++)
        {
            var pixels = new byte[3 * width * height];
            for (int k = 0; k < pixels.Length; k++) pixels[k] = (byte)random.Below(256);
            pictures[i] = new RgbImage(width, height, pixels);
        }
        return pictures;
    }
}
