using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>
/// What every <see cref="IImageCodec"/> must do. A codec's own fixture derives from this one and adds what only that codec promises.
/// Pixels are computed from a file's samples (PNG) or are what Pillow decodes (files/make.py).
/// </summary>
public abstract partial class CodecContract
{
    protected abstract IImageCodec Codec { get; }

    /// <summary>The first word of <see cref="IImageCodec.Name"/>.</summary>
    protected abstract string Library { get; }

    [Test]
    public void DefaultIsThisCodec()
    {
        Assert.That(ImageCodecs.Default, Is.TypeOf(Codec.GetType()));
        Assert.That(Codec.Name, Does.Match($@"^{Library} \d+\.\d+\.\d+"));
    }

    [Test]
    public void FilesDecodeAndEncodeOnSeveralThreads()
    {
        byte[][] files = [Pictures.File("colour.jpg"), Pictures.File("lossy.webp"), Pictures.File("area.png"), Pictures.File("lossless_alpha.webp")];
        RgbaImage[] expected = [.. files.Select(f => Codec.Decode(f))];
        byte[][] encoded = [.. expected.Select(Encode)];
        Parallel.For(0, 200, i =>
        {
            RgbaImage image = Codec.Decode(files[i % 4]);
            Assert.That(image.Pixels.AsSpan().SequenceEqual(expected[i % 4].Pixels), Is.True);
            Assert.That(Encode(image, i % 4).AsSpan().SequenceEqual(encoded[i % 4]), Is.True);
        });

        byte[] Encode(RgbaImage image, int kind) => kind switch
        {
            0 => Codec.EncodeJpeg(image.OverWhite(), 80),
            1 => Codec.EncodeWebP(image.OverWhite(), 80),
            2 => Codec.EncodePng(image.OverWhite()),
            _ => Codec.EncodeWebPLossless(image.OverWhite()),
        };
    }

    protected ImageDecodeException ExpectError(byte[] file, ImageDecodeError error, long maxPixels = ImageCodecs.MostPixels, string what = "")
    {
        var thrown = Assert.Throws<ImageDecodeException>(() => Codec.Decode(file, maxPixels), what)!;
        Assert.That(thrown.Error, Is.EqualTo(error), $"{what}: {thrown.Message}");
        Assert.That(thrown.Message, Is.Not.Empty);
        return thrown;
    }
}
