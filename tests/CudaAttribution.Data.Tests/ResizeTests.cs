using System.Security.Cryptography;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>Resizing against a float64 reference written from the definitions, and against Pillow.</summary>
public class ResizeTests
{
    // Half a grey level of rounding, plus the 2^-20 grid of the weights where an axis grows (and the reference's own rounding).
    private const double ShrinkingTolerance = 0.5 + 1e-9, Tolerance = 0.502;

    // Pillow divides by a 24-bit reciprocal, which is exact for powers of two only.
    [TestCase(2, 2, 0)]
    [TestCase(4, 4, 0)]
    [TestCase(3, 1, 1)]
    [TestCase(5, 6, 1)]
    public void WholeFactorsGivePillowsBoxMeans(int across, int down, int tolerance)
    {
        RgbImage source = ImageCodecs.Decode(Pictures.File("area.png")).OverWhite();
        RgbImage expected = ImageCodecs.Decode(Pictures.File($"area_{across}_{down}.png")).OverWhite();
        RgbImage result = source.Resize(source.Width / across, source.Height / down);
        Assert.That(result.Pixels, Is.EqualTo(expected.Pixels).Within(tolerance));
    }

    [TestCase(7, 5, 3, 2)]
    [TestCase(16, 16, 7, 5)]
    [TestCase(10, 10, 9, 10)]
    [TestCase(5, 5, 1, 1)]
    [TestCase(4, 4, 9, 11)]
    [TestCase(3, 9, 7, 4)]
    [TestCase(9, 3, 4, 7)]
    [TestCase(1, 1, 6, 5)]
    [TestCase(2, 3, 100, 1)]
    [TestCase(32, 32, 33, 64)]
    public void AgreesWithTheDefinition(int fromWidth, int fromHeight, int toWidth, int toHeight)
    {
        RgbImage source = Pictures.Noise(fromWidth, fromHeight, 11);
        RgbImage result = source.Resize(toWidth, toHeight);
        double tolerance = toWidth <= fromWidth && toHeight <= fromHeight ? ShrinkingTolerance : Tolerance;
        Assert.That((result.Width, result.Height), Is.EqualTo((toWidth, toHeight)));
        for (int y = 0; y < toHeight; y++)
            for (int x = 0; x < toWidth; x++)
                for (int c = 0; c < 3; c++)
                {
                    double sum = 0, total = 0;
                    for (int v = -2; v < fromHeight + 2; v++)
                        for (int u = -2; u < fromWidth + 2; u++)
                        {
                            double weight = Weight(u, fromWidth, x, toWidth) * Weight(v, fromHeight, y, toHeight);
                            int at = Math.Clamp(v, 0, fromHeight - 1) * fromWidth + Math.Clamp(u, 0, fromWidth - 1);
                            sum += weight * source.Pixels[3 * at + c];
                            total += weight;
                        }
                    double expected = Math.Clamp(sum / total, 0, 255);
                    Assert.That(result.Pixels[3 * (y * toWidth + x) + c], Is.EqualTo(expected).Within(tolerance), $"({x}, {y}), channel {c}");
                }
    }

    [Test]
    public void AreaMeansRoundHalfUpwards()
    {
        var image = new RgbImage(2, 1, [0, 1, 3, 1, 2, 3]);
        Assert.That(image.Resize(1, 1).Pixels, Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public void SameSizeIsACopyAndFlatStaysFlat()
    {
        RgbImage image = Pictures.Noise(6, 7, 3);
        Assert.That(image.Resize(6, 7), Is.EqualTo(image));
        Assert.That(RgbImage.Filled(7, 5, 3, 130, 254).Resize(16, 3), Is.EqualTo(RgbImage.Filled(16, 3, 3, 130, 254)));
    }

    [Test]
    public void AStraightRampIsEnlargedToAStraightRamp()
    {
        // Catmull-Rom reproduces straight lines away from the borders.
        var ramp = new RgbImage(10, 1, [.. Enumerable.Range(0, 30).Select(i => (byte)(i / 3 * 20))]);
        RgbImage result = ramp.Resize(40, 1);
        for (int x = 6; x < 34; x++) Assert.That(result.Pixels[3 * x], Is.EqualTo(20 * ((x + 0.5) / 4 - 0.5)).Within(Tolerance), $"column {x}");
    }

    [Test]
    public void BitsAreFixed()
    {
        // The hash of resized noise as first computed: any change of a single bit on any machine shows.
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((int width, int height) in new[] { (31, 17), (200, 150), (64, 300), (7, 7) })
            sha.AppendData(Pictures.Noise(97, 101, 21).Resize(width, height).Pixels);
        Assert.That(Convert.ToHexStringLower(sha.GetHashAndReset()), Is.EqualTo("38fd797179d55fb7e4032df50d13246755f62283c1def04c65cdb9b1250647c2"));
    }

    [Test]
    public void CropKeepsTheMiddleSquare([Values] bool wide)
    {
        RgbImage image = wide ? Pictures.Noise(11, 6, 4) : Pictures.Noise(6, 11, 4);
        RgbImage middle = wide ? image.Crop(2, 0, 6, 6) : image.Crop(0, 2, 6, 6);
        Assert.That(image.ToSquare(6, ResizeMode.CropCentre), Is.EqualTo(middle));
        Assert.That(image.ToSquare(3, ResizeMode.CropCentre), Is.EqualTo(middle.Resize(3, 3)));
    }

    [Test]
    public void StretchUsesEverything()
    {
        RgbImage image = Pictures.Noise(11, 6, 4);
        Assert.That(image.ToSquare(5, ResizeMode.Stretch), Is.EqualTo(image.Resize(5, 5)));
    }

    [Test]
    public void PadFillsWithWhite()
    {
        RgbImage black = RgbImage.Filled(8, 4, 0, 0, 0), square = black.ToSquare(8, ResizeMode.PadWhite);
        Assert.That(square.Crop(0, 0, 8, 2), Is.EqualTo(RgbImage.Filled(8, 2, 255, 255, 255)));
        Assert.That(square.Crop(0, 2, 8, 4), Is.EqualTo(black));
        Assert.That(square.Crop(0, 6, 8, 2), Is.EqualTo(RgbImage.Filled(8, 2, 255, 255, 255)));
        RgbImage row = RgbImage.Filled(1000, 1, 9, 9, 9).ToSquare(4, ResizeMode.PadWhite).Crop(0, 1, 4, 1);
        Assert.That(row, Is.EqualTo(RgbImage.Filled(4, 1, 9, 9, 9)), "never less than one row");
    }

    [Test]
    public void WrongSizesAreArgumentErrors()
    {
        Assert.That(() => Pictures.Noise(4, 4, 1).Resize(0, 4), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => Pictures.Noise(4, 5, 1).ToSquare(0, ResizeMode.Stretch), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    /// <summary>Weight of source pixel u (outside: a repeat of the border) in output pixel x: overlap of intervals, or Keys' kernel.</summary>
    private static double Weight(int u, int from, int x, int to)
    {
        double scale = (double)from / to;
        if (to <= from)
            return u < 0 || u >= from ? 0 : Math.Max(0, Math.Min(u + 1, (x + 1) * scale) - Math.Max(u, x * scale));
        double d = Math.Abs((x + 0.5) * scale - 0.5 - u);
        return d < 1 ? 1.5 * d * d * d - 2.5 * d * d + 1 : d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2 : 0;
    }
}
