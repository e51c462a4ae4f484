using System.Buffers.Binary;
using System.Diagnostics;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>Reading and writing of the three formats; goldens are Pillow's (files/make.py).</summary>
public class CodecTests
{
    private static readonly IImageCodec Codec = ImageCodecs.Default;

    // A lossy picture may differ by rounding between versions of the libraries; one grey level more would be another conversion.
    [TestCase("colour.jpg", 2)]
    [TestCase("progressive.jpg", 2)]
    [TestCase("grey.jpg", 2)]
    [TestCase("lossy.webp", 2)]
    [TestCase("lossy_alpha.webp", 2)]
    [TestCase("lossless.webp", 0)]
    [TestCase("lossless_alpha.webp", 0)]
    public void DecodesAsPillowDoes(string file, int tolerance)
    {
        RgbaImage image = Codec.Decode(Pictures.File(file));
        byte[] expected = Pictures.File(file + ".rgba");
        Assert.That((image.Width, image.Height), Is.EqualTo((20, 14)));
        Assert.That(image.Pixels.Zip(expected, (a, b) => Math.Abs(a - b)).Max(), Is.LessThanOrEqualTo(tolerance));
    }

    [Test]
    public void NameStatesTheLibraries() => Assert.That(Codec.Name, Does.Contain("spng").And.Contain("libwebp").And.Contain("libjpeg-turbo"));

    [Test]
    public void TruncatedAnywhereIsAnError(
        [Values(
            "colour.jpg", "progressive.jpg", "grey.jpg",
            "lossy.webp", "lossy_alpha.webp", "lossless.webp", "lossless_alpha.webp",
            "area_5_6.png")]
        string file)
    {
        byte[] bytes = Pictures.File(file);
        Assert.That(() => Codec.Decode(bytes), Throws.Nothing);
        for (int n = 0; n < bytes.Length; n++)
            Assert.That(() => Codec.Decode(bytes.AsSpan(0, n)), Throws.TypeOf<ImageDecodeException>(), $"{n} of {bytes.Length} bytes");
    }

    [Test]
    public void TruncatedInterlacedAndPalettePngAreErrors()
    {
        foreach (byte[] bytes in new[]
        {
            PngWriter.Write(Pictures.Samples(9, 9, 4, 16), PngWriter.RgbAlpha, 16, interlaced: true),
            PngWriter.Write(Pictures.Samples(9, 9, 1, 2), PngWriter.Palette, 2, new byte[12], [0, 128]),
        })
            for (int n = 0; n < bytes.Length; n++)
                Assert.That(() => Codec.Decode(bytes.AsSpan(0, n)), Throws.TypeOf<ImageDecodeException>(), $"{n} of {bytes.Length} bytes");
    }

    [Test]
    public void FlippedBytesNeverDoMoreThanFail(
        [Values("colour.jpg", "progressive.jpg", "lossy.webp", "lossy_alpha.webp", "lossless.webp", "area_5_6.png")] string file)
    {
        var random = new SplitMix64(5);
        byte[] bytes = Pictures.File(file);
        for (int round = 0; round < 2000; round++)
        {
            byte[] damaged = [.. bytes];
            for (int k = random.Below(4); k >= 0; k--) damaged[random.Below(damaged.Length)] = (byte)random.Next();
            try
            {
                Codec.Decode(damaged, 1 << 20);
            }
            catch (ImageDecodeException e)
            {
                Assert.That(e.Message, Is.Not.Empty);
            }
        }
    }

    [Test]
    public void OtherFilesAreNamedAsSuch()
    {
        ExpectError(Pictures.File("picture.gif"), ImageDecodeError.NotAnImage);
        ExpectError("this is text"u8.ToArray(), ImageDecodeError.NotAnImage);
        ExpectError([], ImageDecodeError.NotAnImage);
    }

    [Test]
    public void UnreadKindsAreNamedAsSuch()
    {
        Assert.That(ExpectError(Pictures.File("cmyk.jpg"), ImageDecodeError.NotSupported).Message, Does.Contain("CMYK"));
        Assert.That(ExpectError(Pictures.File("animated.webp"), ImageDecodeError.NotSupported).Message, Does.Contain("animation"));
    }

    [Test]
    public void PixelLimitIsExact()
    {
        byte[] png = PngWriter.Write(Pictures.Samples(8, 8, 3, 8), PngWriter.Rgb, 8);
        foreach (byte[] file in new[] { png, Pictures.File("colour.jpg"), Pictures.File("lossy.webp") })
        {
            RgbaImage image = Codec.Decode(file);
            long pixels = (long)image.Width * image.Height;
            Assert.That(() => Codec.Decode(file, pixels), Throws.Nothing);
            ExpectError(file, ImageDecodeError.TooLarge, pixels - 1);
        }
    }

    [Test]
    public void HeadersOfHugePicturesAreRefusedAtOnce()
    {
        var png = new MemoryStream();
        png.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        PngWriter.WriteChunk(png, "IHDR", PngWriter.Header(int.MaxValue, int.MaxValue, 16, PngWriter.RgbAlpha));
        PngWriter.WriteChunk(png, "IDAT", PngWriter.Deflate([0]));
        PngWriter.WriteChunk(png, "IEND", []);

        byte[] jpeg = Pictures.File("colour.jpg");
        int frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xc0]);
        new byte[] { 0xff, 0xdc, 0xff, 0xdc }.CopyTo(jpeg, frame + 5); // 65,500 x 65,500, the most that libjpeg takes

        byte[] webp = Pictures.File("lossless.webp");
        Assert.That(webp[20], Is.EqualTo(0x2f), "the signature of lossless WebP");
        BinaryPrimitives.WriteUInt32LittleEndian(webp.AsSpan(21), 0x0fffffff); // 16,384 x 16,384

        foreach (byte[] file in new[] { png.ToArray(), jpeg, webp })
        {
            var watch = Stopwatch.StartNew();
            long before = GC.GetAllocatedBytesForCurrentThread();
            ExpectError(file, ImageDecodeError.TooLarge);
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
        }
    }

    [Test]
    public void BombWithinItsHeaderIsRefusedAtOnce()
    {
        // 30,000 x 30,000 black pixels in about 100 KiB.
        var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        PngWriter.WriteChunk(file, "IHDR", PngWriter.Header(30000, 30000, 1, PngWriter.Grey));
        PngWriter.WriteChunk(file, "IDAT", PngWriter.Deflate(new byte[30000 * (1 + 30000 / 8)]));
        PngWriter.WriteChunk(file, "IEND", []);
        var watch = Stopwatch.StartNew();
        ExpectError(file.ToArray(), ImageDecodeError.TooLarge);
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(5)));
    }

    [Test]
    public void PngRoundTripIsExactAndItsBytesRepeat([Values(1, 2, 31, 64)] int width, [Values(1, 17)] int height)
    {
        RgbImage image = Pictures.Noise(width, height, 1);
        byte[] png = Codec.EncodePng(image);
        Assert.That(Codec.Decode(png).OverWhite(), Is.EqualTo(image));
        Assert.That(Codec.EncodePng(image), Is.EqualTo(png));
        Assert.That(ChunkNames(png), Is.EqualTo(new[] { "IHDR", "IDAT", "IEND" }), "no time stamp, no text");
    }

    [Test]
    public void LosslessWebPRoundTripIsExact([Values(1, 33)] int width, [Values(1, 20)] int height)
    {
        RgbImage image = Pictures.Noise(width, height, 2);
        Assert.That(Codec.Decode(Codec.EncodeWebPLossless(image)).OverWhite(), Is.EqualTo(image));
    }

    [Test]
    public void LossyFormatsComeCloserWithQuality([Values("jpeg", "webp")] string format)
    {
        RgbImage image = Codec.Decode(Pictures.File("area.png")).OverWhite().Resize(12, 12).Resize(48, 48);
        double low = Error(image, 20), high = Error(image, 95);
        Assert.That(high, Is.LessThan(low / 2));
        Assert.That(high, Is.LessThan(40));

        double Error(RgbImage source, int quality)
        {
            byte[] file = format == "jpeg" ? Codec.EncodeJpeg(source, quality) : Codec.EncodeWebP(source, quality);
            RgbImage decoded = Codec.Decode(file).OverWhite();
            return source.Pixels.Zip(decoded.Pixels, (a, b) => (double)(a - b) * (a - b)).Average();
        }
    }

    [Test]
    public void WrongQualityIsAnArgumentError()
    {
        RgbImage image = Pictures.Noise(4, 4, 3);
        Assert.That(() => Codec.EncodeJpeg(image, 0), Throws.ArgumentException);
        Assert.That(() => Codec.EncodeJpeg(image, 101), Throws.ArgumentException);
        Assert.That(() => Codec.EncodeWebP(image, -1), Throws.ArgumentException);
        Assert.That(() => Codec.EncodeWebPLossless(RgbImage.Filled(20000, 1, 0, 0, 0)), Throws.ArgumentException.With.Message.Contains("16383"));
    }

    [Test]
    public void FilesDecodeOnSeveralThreads()
    {
        byte[][] files = [Pictures.File("colour.jpg"), Pictures.File("lossy.webp"), Pictures.File("area.png")];
        byte[][] expected = [.. files.Select(f => Codec.Decode(f).Pixels)];
        Parallel.For(0, 300, i => Assert.That(Codec.Decode(files[i % 3]).Pixels.AsSpan().SequenceEqual(expected[i % 3]), Is.True));
    }

    private static ImageDecodeException ExpectError(byte[] file, ImageDecodeError error, long maxPixels = ImageCodecs.DefaultMaxPixels)
    {
        var thrown = Assert.Throws<ImageDecodeException>(() => Codec.Decode(file, maxPixels))!;
        Assert.That(thrown.Error, Is.EqualTo(error), thrown.Message);
        return thrown;
    }

    private static List<string> ChunkNames(byte[] png)
    {
        var names = new List<string>();
        for (int at = 8; at < png.Length; at += 12 + BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at)))
            if (names.Count == 0 || names[^1] != "IDAT" || !png.AsSpan(at + 4, 4).SequenceEqual("IDAT"u8))
                names.Add(System.Text.Encoding.ASCII.GetString(png, at + 4, 4));
        return names;
    }
}
