using System.Buffers.Binary;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Codecs;

/// <summary>Writing of the three formats.</summary>
public sealed partial class ImageCodecsTests
{
    [Test]
    public void PngRoundTripIsExactAndItsBytesRepeat([Values(1, 2, 31, 64)] int width, [Values(1, 17)] int height)
    {
        RgbImage image = Pictures.Noise(width, height, 1);
        byte[] png = ImageCodecs.EncodePng(image);
        Assert.That(ImageCodecs.Decode(png).OverWhite(), Is.EqualTo(image));
        Assert.That(ImageCodecs.EncodePng(image), Is.EqualTo(png));
        Assert.That(ChunkNames(png), Is.EqualTo(new[] { "IHDR", "IDAT", "IEND" }), "no time stamp, no text");
        Assert.That(png[16..29], Is.EqualTo(PngWriter.Header(width, height, 8, PngWriter.Rgb)));
    }

    [Test]
    public void LosslessWebPRoundTripIsExact([Values(1, 33)] int width, [Values(1, 20)] int height)
    {
        RgbImage noise = Pictures.Noise(width, height, 2), waves = Pictures.Waves(width, height);
        Assert.That(ImageCodecs.Decode(ImageCodecs.EncodeWebPLossless(noise)).OverWhite(), Is.EqualTo(noise));
        Assert.That(ImageCodecs.Decode(ImageCodecs.EncodeWebPLossless(waves)).OverWhite(), Is.EqualTo(waves));
    }

    [Test]
    public void LosslessFormatsKeepSmallPicturesOfFewColours()
    {
        var random = new SplitMix64(4);
        for (int width = 1; width <= 24; width++)
            for (int height = 1; height <= 12; height++)
            {
                var pixels = new byte[3 * width * height];
                var colours = new byte[3 * (1 + random.Below(300))];
                for (int i = 0; i < colours.Length; i++) colours[i] = (byte)random.Next();
                for (int i = 0; i < pixels.Length; i++) pixels[i] = colours[(3 * (i / 3 / Math.Max(1, width / 3)) + i % 3) % colours.Length];
                var image = new RgbImage(width, height, pixels);
                Assert.That(ImageCodecs.Decode(ImageCodecs.EncodeWebPLossless(image)).OverWhite(), Is.EqualTo(image), $"{width} x {height}");
                Assert.That(ImageCodecs.Decode(ImageCodecs.EncodePng(image)).OverWhite(), Is.EqualTo(image), $"{width} x {height}");
            }
    }

    [Test]
    public void LosslessFormatsKeepFewColoursAndLargePictures()
    {
        var pixels = new byte[3 * 300 * 200];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)(i / 3 % 300 / 75 * 60); // four bars
        var bars = new RgbImage(300, 200, pixels);
        foreach (RgbImage image in new[] { bars, RgbImage.Filled(300, 200, 1, 2, 3), Pictures.Waves(300, 200) })
        {
            Assert.That(ImageCodecs.Decode(ImageCodecs.EncodeWebPLossless(image)).OverWhite(), Is.EqualTo(image));
            Assert.That(ImageCodecs.Decode(ImageCodecs.EncodePng(image)).OverWhite(), Is.EqualTo(image));
        }
    }

    [TestCase("jpeg", 20, 32)]
    [TestCase("jpeg", 50, 36)]
    [TestCase("jpeg", 90, 41)]
    [TestCase("jpeg", 100, 42)]
    [TestCase("webp", 0, 29)]
    [TestCase("webp", 50, 33)]
    [TestCase("webp", 90, 41)]
    [TestCase("webp", 100, 44)]
    public void LossyPictureIsThisCloseToItsSource(string format, int quality, double minimalPsnr)
    {
        foreach ((int width, int height) in new[] { (96, 64), (61, 35) })
        {
            RgbImage image = Pictures.Waves(width, height);
            RgbImage decoded = ImageCodecs.Decode(EncodeLossy(format, image, quality)).OverWhite();
            Assert.That(Pictures.Psnr(image.Pixels, decoded.Pixels), Is.GreaterThanOrEqualTo(minimalPsnr), $"{width} x {height}");
        }
    }

    [Test]
    public void QualityTradesSizeForCloseness([Values("jpeg", "webp")] string format)
    {
        RgbImage image = ImageCodecs.Decode(Pictures.File("area.png")).OverWhite().Resize(12, 12).Resize(48, 48);
        byte[] low = EncodeLossy(format, image, 20), high = EncodeLossy(format, image, 95);
        Assert.That(low.Length, Is.LessThan(high.Length));
        Assert.That(Error(high), Is.LessThan(Error(low) / 2));
        Assert.That(EncodeLossy(format, image, 95), Is.EqualTo(high), "the same bytes again");

        double Error(byte[] file) => image.Pixels.Zip(ImageCodecs.Decode(file).OverWhite().Pixels, (a, b) => (double)(a - b) * (a - b)).Average();
    }

    [Test]
    public void JpegIsBaselineWithHalvedChroma()
    {
        byte[] file = ImageCodecs.EncodeJpeg(Pictures.Waves(20, 14), 90);
        int frame = JpegFile.IndexOf(file, 0xc0);
        Assert.That(file[frame..(frame + 6)], Is.EqualTo(new byte[] { 8, 0, 14, 0, 20, 3 }), "8 bits, height, width, components");
        Assert.That(new[] { file[frame + 7], file[frame + 10], file[frame + 13] }, Is.EqualTo(new byte[] { 0x22, 0x11, 0x11 }));
    }

    [Test]
    public void WebPIsOfTheKindAskedFor()
    {
        RgbImage image = Pictures.Waves(20, 14);
        Assert.That(WebPFile.Chunks(ImageCodecs.EncodeWebP(image, 80)).Select(c => c.Name), Is.EqualTo(new[] { "VP8 " }));
        Assert.That(WebPFile.Chunks(ImageCodecs.EncodeWebPLossless(image)).Select(c => c.Name), Is.EqualTo(new[] { "VP8L" }));
    }

    [Test]
    public void WrongQualityIsAnArgumentError()
    {
        RgbImage image = Pictures.Noise(4, 4, 3);
        Assert.That(() => ImageCodecs.EncodeJpeg(image, 0), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => ImageCodecs.EncodeJpeg(image, 101), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => ImageCodecs.EncodeWebP(image, -1), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => ImageCodecs.EncodeWebP(image, 101), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void MissingPictureIsAnArgumentError()
    {
        Assert.That(() => ImageCodecs.EncodePng(null!), Throws.ArgumentNullException);
        Assert.That(() => ImageCodecs.EncodeJpeg(null!, 80), Throws.ArgumentNullException);
        Assert.That(() => ImageCodecs.EncodeWebP(null!, 80), Throws.ArgumentNullException);
        Assert.That(() => ImageCodecs.EncodeWebPLossless(null!), Throws.ArgumentNullException);
    }

    [Test]
    public void SidesOverAFormatsLimitAreArgumentErrors()
    {
        RgbImage widest = RgbImage.Filled(16382, 1, 10, 20, 30);
        Assert.That(ImageCodecs.Decode(ImageCodecs.EncodeWebPLossless(widest)).OverWhite(), Is.EqualTo(widest));
        foreach (RgbImage image in new[] { RgbImage.Filled(16383, 1, 0, 0, 0), RgbImage.Filled(1, 16383, 0, 0, 0) })
        {
            Assert.That(() => ImageCodecs.EncodeWebP(image, 80), Throws.InstanceOf<ArgumentException>().With.Message.Contains("16382"));
            Assert.That(() => ImageCodecs.EncodeWebPLossless(image), Throws.InstanceOf<ArgumentException>().With.Message.Contains("16382"));
        }
        Assert.That(() => ImageCodecs.EncodeJpeg(RgbImage.Filled(65536, 1, 0, 0, 0), 80), Throws.InstanceOf<ArgumentException>());
    }

    private static List<string> ChunkNames(byte[] png)
    {
        var names = new List<string>();
        for (int at = 8; at < png.Length; at += 12 + BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at)))
            if (names.Count == 0 || names[^1] != "IDAT" || !png.AsSpan(at + 4, 4).SequenceEqual("IDAT"u8))
                names.Add(System.Text.Encoding.ASCII.GetString(png, at + 4, 4));
        return names;
    }

    private static byte[] EncodeLossy(string format, RgbImage image, int quality) =>
        format == "jpeg" ? ImageCodecs.EncodeJpeg(image, quality) : ImageCodecs.EncodeWebP(image, quality);
}
