using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Codecs.Native;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Codecs.Native;

/// <summary>The codec on libspng, libjpeg-turbo and libwebp.</summary>
public class NativeImageCodecTests : CodecContract
{
    protected override IImageCodec Codec { get; } = new NativeImageCodec();

    protected override string Library => "spng";

    [Test]
    public void NameStatesTheLibraries() => Assert.That(Codec.Name, Does.Contain("spng").And.Contain("libwebp").And.Contain("libjpeg-turbo"));

    // Pillow uses the same libraries: a lossy picture may differ by rounding between versions; one grey level more would be another conversion.
    [Test]
    public void DecodesLossyFilesAsPillowDoes([Values("colour.jpg", "progressive.jpg", "grey.jpg", "lossy.webp", "lossy_alpha.webp")] string file)
    {
        byte[] expected = Pictures.File(file + ".rgba");
        Assert.That(Codec.Decode(Pictures.File(file)).Pixels.Zip(expected, (a, b) => Math.Abs(a - b)).Max(), Is.LessThanOrEqualTo(2));
    }

    [Test]
    public void SurplusCodedDataAreAnError([Values("colour.jpg", "progressive.jpg", "grey.jpg")] string file)
    {
        byte[] sound = Pictures.File(file), longer = [.. sound[..^2], .. new byte[64], 0xff, 0xd9];
        ExpectError(longer, ImageDecodeError.Damaged);
    }
}
