using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Codecs;

/// <summary>Pixels are computed from a file's samples (PNG) or are what Pillow decodes (files/make.py).</summary>
public sealed partial class ImageCodecsTests
{
    [Test]
    public void NameStatesTheLibraryAndItsVersion() => Assert.That(ImageCodecs.Name, Is.EqualTo("ImageSharp 2.1.13"));

    [Test]
    public void FilesDecodeAndEncodeOnSeveralThreads()
    {
        byte[][] files = [Pictures.File("colour.jpg"), Pictures.File("lossy.webp"), Pictures.File("area.png"), Pictures.File("lossless_alpha.webp")];
        RgbaImage[] expected = [.. files.Select(f => ImageCodecs.Decode(f))];
        byte[][] encoded = [.. expected.Select(Encode)];
        Parallel.For(0, 200, i =>
        {
            RgbaImage image = ImageCodecs.Decode(files[i % 4]);
            Assert.That(image.Pixels.AsSpan().SequenceEqual(expected[i % 4].Pixels), Is.True);
            Assert.That(Encode(image, i % 4).AsSpan().SequenceEqual(encoded[i % 4]), Is.True);
        });

        byte[] Encode(RgbaImage image, int kind) => kind switch
        {
            0 => ImageCodecs.EncodeJpeg(image.OverWhite(), 80),
            1 => ImageCodecs.EncodeWebP(image.OverWhite(), 80),
            2 => ImageCodecs.EncodePng(image.OverWhite()),
            _ => ImageCodecs.EncodeWebPLossless(image.OverWhite()),
        };
    }

    private static ImageDecodeException ExpectError(byte[] file, ImageDecodeError error, long maxPixels = ImageCodecs.MostPixels, string what = "")
    {
        var thrown = Assert.Throws<ImageDecodeException>(() => ImageCodecs.Decode(file, maxPixels), what)!;
        Assert.That(thrown.Error, Is.EqualTo(error), $"{what}: {thrown.Message}");
        Assert.That(thrown.Message, Is.Not.Empty);
        return thrown;
    }
}
