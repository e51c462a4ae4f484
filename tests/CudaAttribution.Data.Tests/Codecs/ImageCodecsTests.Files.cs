using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Codecs;

/// <summary>JPEG and WebP files, and what lies beside a picture in its file.</summary>
public sealed partial class ImageCodecsTests
{
    private static readonly byte[] TurnedByExif =
        [.. "MM\0*\0\0\0\b\0\x01"u8, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]; // orientation 6: a quarter turn

    // WebP is specified to the bit, and here also lossy pictures come out as from libwebp. JPEG leaves rounding to the decoder, which each of transform, colours
    // and dequantisation does once; chroma is repeated, not interpolated.
    [TestCase("lossless.webp", 0)]
    [TestCase("lossless_alpha.webp", 0)]
    [TestCase("lossy.webp", 0)]
    [TestCase("lossy_alpha.webp", 0)]
    [TestCase("filtered_alpha.webp", 0)]
    [TestCase("grey.jpg", 1)]
    [TestCase("rgb.jpg", 1)]
    [TestCase("colour.jpg", 3)]
    [TestCase("progressive.jpg", 3)]
    [TestCase("restart.jpg", 3)]
    [TestCase("wide_chroma.jpg", 3)]
    [TestCase("separate.jpg", 3)]
    public void DecodesAsTheFormatsOwnLibraryDoes(string file, int difference)
    {
        byte[] pixels = ImageCodecs.Decode(Pictures.File(file)).Pixels, expected = Pictures.File(file + ".rgba");
        Assert.That(pixels, Has.Length.EqualTo(expected.Length));
        Assert.That(pixels.Zip(expected, (a, b) => Math.Abs(a - b)).Max(), Is.LessThanOrEqualTo(difference));
    }

    [Test]
    public void GreyJpegHasEqualChannels()
    {
        byte[] pixels = ImageCodecs.Decode(Pictures.File("grey.jpg")).Pixels;
        for (int i = 0; i < pixels.Length; i += 4)
            Assert.That(pixels[i..(i + 4)], Is.EqualTo(new byte[] { pixels[i], pixels[i], pixels[i], 255 }), $"pixel {i / 4}");
    }

    [Test]
    public void UnreadKindsAreNamedAsSuch()
    {
        Assert.That(ExpectError(Pictures.File("cmyk.jpg"), ImageDecodeError.NotSupported).Message, Does.Contain("CMYK"));
        Assert.That(ExpectError(Pictures.File("animated.webp"), ImageDecodeError.NotSupported).Message, Does.Contain("animation"));
    }

    [Test]
    public void AnimatedPngGivesItsStillPicture()
    {
        byte[] still = PngWriter.Deflate([0, 1, 2, 3, 4, 5, 6]);
        byte[] header = PngWriter.Header(2, 1, 8, PngWriter.Rgb);
        byte[] first = Frame(0, 2), second = Frame(1, 1);
        byte[] file = PngWriter.FromChunks(
            ("IHDR", header), ("acTL", [0, 0, 0, 2, 0, 0, 0, 0]), ("fcTL", first), ("IDAT", still),
            ("fcTL", second), ("fdAT", [0, 0, 0, 2, .. PngWriter.Deflate([0, 7, 8, 9])]), ("IEND", []));
        Assert.That(ImageCodecs.Decode(file).Pixels, Is.EqualTo(new byte[] { 1, 2, 3, 255, 4, 5, 6, 255 }));

        byte[] separate = PngWriter.FromChunks(("IHDR", header), ("acTL", [0, 0, 0, 1, 0, 0, 0, 0]), ("fcTL", second), ("IDAT", still), ("IEND", []));
        Assert.That(ImageCodecs.Decode(separate).Pixels, Is.EqualTo(ImageCodecs.Decode(file).Pixels), "the frame is smaller than the picture");

        static byte[] Frame(byte number, byte width) => [0, 0, 0, number, 0, 0, 0, width, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 10, 0, 0];
    }

    [Test]
    public void WhatLiesBesideAPngPictureIsIgnored()
    {
        byte[] header = PngWriter.Header(2, 1, 8, PngWriter.Rgb), data = PngWriter.Deflate([0, 1, 2, 3, 100, 150, 250]);
        byte[] expected = [1, 2, 3, 255, 100, 150, 250, 255];
        foreach ((string name, byte[] content) in new (string, byte[])[]
        {
            ("gAMA", [0, 0, 0x13, 0x88]), ("sRGB", [0]), ("sBIT", [5, 6, 5]), ("bKGD", [0, 9, 0, 9, 0, 9]), ("pHYs", [0, 0, 0, 1, 0, 0, 0, 9, 0]),
            ("cHRM", new byte[32]), ("iCCP", [.. "p\0\0"u8, 1, 2, 3]), ("eXIf", TurnedByExif), ("tEXt", [.. "a\0b"u8]), ("teXt", [0, 0]),
            ("PLTE", [9, 9, 9]), ("tIME", [7, 234, 2, 30, 25, 61, 61]), ("prIv", [1]),
        })
        {
            byte[] file = PngWriter.FromChunks(("IHDR", header), (name, content), ("IDAT", data), ("IEND", []));
            Assert.That(ImageCodecs.Decode(file).Pixels, Is.EqualTo(expected), name);
        }
        byte[] split = PngWriter.FromChunks(
            ("IHDR", header), ("IDAT", []), ("IDAT", data[..3]), ("IDAT", data[3..]), ("IDAT", []), ("tEXt", [.. "a\0b"u8]), ("IEND", []));
        Assert.That(ImageCodecs.Decode(split).Pixels, Is.EqualTo(expected));
        Assert.That(ImageCodecs.Decode([.. split, 1, 2, 3]).Pixels, Is.EqualTo(expected), "bytes after the end");
    }

    [Test]
    public void WhatLiesBesideAJpegPictureIsIgnored([Values("colour.jpg", "progressive.jpg", "grey.jpg")] string file)
    {
        byte[] bytes = Pictures.File(file), expected = ImageCodecs.Decode(bytes).Pixels;
        Assert.That(ImageCodecs.Decode(JpegFile.With(bytes, 0xe1, [.. "Exif\0\0"u8, .. TurnedByExif])).Pixels, Is.EqualTo(expected), "orientation");
        Assert.That(ImageCodecs.Decode(JpegFile.With(bytes, 0xe1, [.. "Exif\0\0"u8, .. bytes])).Pixels, Is.EqualTo(expected), "a thumbnail");
        Assert.That(ImageCodecs.Decode(JpegFile.With(bytes, 0xe2, [.. "ICC_PROFILE\0"u8, 1, 1, 1, 2, 3])).Pixels, Is.EqualTo(expected), "a broken profile");
        Assert.That(ImageCodecs.Decode(JpegFile.With(bytes, 0xfe, 0xff, 0xd9)).Pixels, Is.EqualTo(expected), "a comment that holds a marker");
        Assert.That(ImageCodecs.Decode([.. bytes[..2], 0xff, 0xff, .. bytes[2..]]).Pixels, Is.EqualTo(expected), "fill bytes before a marker");
        Assert.That(ImageCodecs.Decode([.. bytes, 1, 2, 3]).Pixels, Is.EqualTo(expected), "bytes after the end");
        Assert.That(ImageCodecs.Decode([.. bytes, .. bytes]).Pixels, Is.EqualTo(expected), "a picture after the end");
    }

    [Test]
    public void WhatLiesBesideAWebPPictureIsIgnored([Values("lossy.webp", "lossy_alpha.webp", "lossless.webp", "lossless_alpha.webp")] string file)
    {
        byte[] bytes = Pictures.File(file), expected = ImageCodecs.Decode(bytes).Pixels;
        (string, byte[])[] picture = [.. WebPFile.Chunks(bytes).Where(c => c.Name != "VP8X")];
        byte flags = picture.Length == 2 ? WebPFile.Alpha : (byte)0;
        Assert.That(ImageCodecs.Decode(WebPFile.FromChunks([WebPFile.Canvas(20, 14, flags), .. picture])).Pixels, Is.EqualTo(expected));
        (string, byte[]) canvas = WebPFile.Canvas(20, 14, (byte)(flags | WebPFile.Exif));
        byte[] rich = WebPFile.FromChunks([canvas, ("ICCP", [1, 2, 3]), ("junk", [4]), .. picture, ("EXIF", TurnedByExif), ("XMP ", [5])]);
        Assert.That(ImageCodecs.Decode(rich).Pixels, Is.EqualTo(expected), "profile, unknown chunk, orientation");
        Assert.That(ImageCodecs.Decode([.. bytes, 1, 2, 3]).Pixels, Is.EqualTo(expected), "bytes after the end");
    }

    [Test]
    public void LossyWebPOfOddLengthReadsOn()
    {
        (string Name, byte[] Content)[] chunks = WebPFile.Chunks(Pictures.File("lossy_alpha.webp"));
        (string Name, byte[] Content) picture = chunks[^1];
        byte[] odd = [.. picture.Content, .. new byte[picture.Content.Length % 2 == 0 ? 1 : 0]];
        byte[] file = WebPFile.FromChunks([.. chunks[..^1], (picture.Name, odd), ("EXIF", TurnedByExif)]);
        Assert.That(ImageCodecs.Decode(file).Pixels, Is.EqualTo(ImageCodecs.Decode(Pictures.File("lossy_alpha.webp")).Pixels));
    }
}
