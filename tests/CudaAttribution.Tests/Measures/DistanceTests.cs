using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Measures;

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
        foreach (string name in MeasureRegistry.PixelNames)
        {
            var metric = MeasureRegistry.Create(name, _device);
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
        foreach (string name in MeasureRegistry.PixelNames)
            Assert.That(
                MeasureRegistry.Create(name, simt).Matrix(references, answers),
                Is.EqualTo(MeasureRegistry.Create(name, _device).Matrix(references, answers)),
                name);
    }

    /// <summary>Blocks of one picture, of some and of all, whose edges fall between and inside the groups of a size.</summary>
    [TestCase(1)]
    [TestCase(3 * 3 * 16 * 12)]
    [TestCase(5 * 3 * 16 * 12)]
    [TestCase(long.MaxValue)]
    public void BlocksDoNotChangeADistance(long budget)
    {
        RgbImage[] references = [.. Pictures(4, 16, 12, 11), .. Pictures(2, 8, 8, 12), .. Pictures(4, 16, 12, 13)];
        RgbImage[] answers = [.. Pictures(6, 16, 12, 14), .. Pictures(5, 10, 10, 15)];
        var blocked = new PixelDistance(_device) { BlockBytes = budget }.Matrix(references, answers);
        Assert.That(blocked, Is.EqualTo(new PixelDistance(_device).Matrix(references, answers)));
        Assert.That(
            new TileDistance(_device) { BlockBytes = budget }.Matrix(references, answers),
            Is.EqualTo(new TileDistance(_device).Matrix(references, answers)));
        for (int i = 0; i < references.Length; i++)
        {
            for (int j = 0; j < answers.Length; j++)
            {
                byte[] a = references[i].Pixels, b = answers[j].Resize(references[i].Width, references[i].Height).Pixels;
                double sum = 0;
                for (int k = 0; k < a.Length; k++) sum += Math.Pow((a[k] - b[k]) / 255.0, 2);
                Assert.That(blocked[i, j], Is.EqualTo(Math.Sqrt(sum / a.Length)).Within(1e-12), $"{i}, {j}");
            }
        }
    }

    /// <summary>More than 2 GB of references: no array could hold them.</summary>
    [Test]
    public void PicturesOfAnyTotalSizeAreCompared()
    {
        const int Count = 2800, Side = 512;
        var dark = RgbImage.Filled(Side, Side, 0, 0, 0);
        var light = RgbImage.Filled(Side, Side, 51, 51, 51);
        Assert.That((long)Count * dark.Pixels.Length, Is.GreaterThan(int.MaxValue));
        var references = Enumerable.Repeat(dark, Count - 1).Append(light).ToArray();
        _device.Pool.ResetPeaks();
        var distances = new PixelDistance(_device) { BlockBytes = 64 << 20 }.Matrix(references, [light]);
        Assert.That(_device.Pool.Peak, Is.LessThan(80L << 20));
        Assert.That(distances.Cast<double>().Take(Count - 1), Is.All.EqualTo(0.2).Within(1e-15));
        Assert.That(distances[Count - 1, 0], Is.Zero);
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
            Assert.Throws<UserException>(() => MeasureRegistry.Create("lpips", _device))!.Message,
            Does.Contain("unknown metric 'lpips'").And.Contain("px, tile, sscd, embed, mix"));
        Assert.Throws<UserException>(() => new TileDistance(_device).Between(RgbImage.Filled(3, 8, 0, 0, 0), RgbImage.Filled(3, 8, 0, 0, 0)));
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
