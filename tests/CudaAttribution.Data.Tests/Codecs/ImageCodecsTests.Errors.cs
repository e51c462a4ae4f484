using System.Buffers.Binary;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Codecs;

/// <summary>Cut, damaged, hostile and foreign files.</summary>
public sealed partial class ImageCodecsTests
{
    [Test]
    public void TruncatedAnywhereIsAnError(
        [Values(
            "colour.jpg", "progressive.jpg", "grey.jpg",
            "lossy.webp", "lossy_alpha.webp", "lossless.webp", "lossless_alpha.webp",
            "area_5_6.png")]
        string file)
    {
        byte[] bytes = Pictures.File(file);
        int signature = Path.GetExtension(file) switch { ".jpg" => 3, ".webp" => 12, _ => 8 };
        Assert.That(() => ImageCodecs.Decode(bytes), Throws.Nothing);
        for (int n = 0; n < bytes.Length; n++)
            ExpectError(bytes[..n], n < signature ? ImageDecodeError.NotAnImage : ImageDecodeError.Damaged, what: $"{n} of {bytes.Length} bytes");
    }

    [Test]
    public void TruncatedInterlacedAndPalettePngAreErrors()
    {
        foreach (byte[] bytes in new[]
        {
            PngWriter.Write(Pictures.Samples(9, 9, 4, 16), PngWriter.RgbAlpha, 16, interlaced: true),
            PngWriter.Write(Pictures.Samples(9, 9, 1, 2), PngWriter.Palette, 2, new byte[12], [0, 128]),
        })
        {
            for (int n = 8; n < bytes.Length; n++) ExpectError(bytes[..n], ImageDecodeError.Damaged, what: $"{n} of {bytes.Length} bytes");
        }
    }

    [Test]
    public void CodedDataThatEndTooEarlyInAWholeFileAreAnError()
    {
        foreach (string file in new[] { "colour.jpg", "progressive.jpg", "grey.jpg" })
            ExpectError(JpegFile.Shortened(Pictures.File(file), 16), ImageDecodeError.Damaged, what: file);

        foreach (string file in new[] { "lossy.webp", "lossy_alpha.webp", "lossless.webp", "lossless_alpha.webp" })
        {
            (string Name, byte[] Content)[] chunks = WebPFile.Chunks(Pictures.File(file));
            chunks[^1].Content = chunks[^1].Content[..^24];
            ExpectError(WebPFile.FromChunks(chunks), ImageDecodeError.Damaged, what: file);
        }

        byte[] rows = [0, .. new byte[12], 0, .. new byte[12]];
        foreach (byte[] data in new[] { PngWriter.Deflate(rows[..13]), PngWriter.Deflate(rows[..^1]), PngWriter.Deflate(rows)[..^6], [] })
            ExpectError(Png(4, 2, PngWriter.Rgb, 8, ("IDAT", data)), ImageDecodeError.Damaged, what: $"{data.Length} bytes");
    }

    [Test]
    public void WrongChecksumOfAnyChunkIsAnError()
    {
        byte[] data = PngWriter.Deflate([0, 0]);
        byte[] file = Png(
            1, 1, PngWriter.Palette, 8,
            ("tEXt", [.. "a\0b"u8]), ("PLTE", [1, 2, 3]), ("tRNS", [4]), ("IDAT", data), ("tIME", [7, 234, 2, 28, 23, 59, 59]));
        Assert.That(() => ImageCodecs.Decode(file), Throws.Nothing);
        int at = 8;
        foreach (string name in new[] { "IHDR", "tEXt", "PLTE", "tRNS", "IDAT", "tIME", "IEND" })
        {
            at += 12 + BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            byte[] damaged = [.. file];
            damaged[at - 1] ^= 1;
            ExpectError(damaged, ImageDecodeError.Damaged, what: name);
        }
    }

    [Test]
    public void DamagedPngIsAnError()
    {
        byte[] rgb = PngWriter.Deflate([0, 1, 2, 3]), one = PngWriter.Deflate([0, 0]), wrongSum = PngWriter.Deflate([0, 1, 2, 3]);
        wrongSum[^1] ^= 1;
        foreach ((string what, byte[] file) in new (string, byte[])[]
        {
            ("no header", PngWriter.FromChunks(("IDAT", rgb), ("IEND", []))),
            ("two headers", Png(1, 1, PngWriter.Rgb, 8, ("IHDR", PngWriter.Header(1, 1, 8, PngWriter.Rgb)), ("IDAT", rgb))),
            ("no data", Png(1, 1, PngWriter.Rgb, 8)),
            ("filter 5", Png(1, 1, PngWriter.Rgb, 8, ("IDAT", PngWriter.Deflate([5, 1, 2, 3])))),
            ("wrong checksum of the data", Png(1, 1, PngWriter.Rgb, 8, ("IDAT", wrongSum))),
            ("not compressed", Png(1, 1, PngWriter.Rgb, 8, ("IDAT", [0, 1, 2, 3]))),
            ("data in two places", Png(1, 1, PngWriter.Rgb, 8, ("IDAT", rgb[..5]), ("tEXt", [.. "a\0b"u8]), ("IDAT", rgb[5..]))),
            ("unknown chunk that is needed", Png(1, 1, PngWriter.Rgb, 8, ("ABCD", [1]), ("IDAT", rgb))),
            ("no palette", Png(1, 1, PngWriter.Palette, 8, ("IDAT", one))),
            ("palette after the data", Png(1, 1, PngWriter.Palette, 8, ("IDAT", one), ("PLTE", [1, 2, 3]))),
            ("empty palette", Png(1, 1, PngWriter.Palette, 8, ("PLTE", []), ("IDAT", one))),
            ("part of a colour", Png(1, 1, PngWriter.Palette, 8, ("PLTE", [1, 2, 3, 4]), ("IDAT", one))),
            ("more colours than indices", Png(1, 1, PngWriter.Palette, 1, ("PLTE", new byte[9]), ("IDAT", one))),
            ("bit depth 3", Png(1, 1, PngWriter.Grey, 3, ("IDAT", one))),
            ("palette of 16 bits", Png(1, 1, PngWriter.Palette, 16, ("PLTE", [1, 2, 3]), ("IDAT", one))),
            ("colour type 1", Png(1, 1, 1, 8, ("IDAT", one))),
            ("no width", Png(0, 1, PngWriter.Grey, 8, ("IDAT", one))),
        })
        {
            ExpectError(file, ImageDecodeError.Damaged, what: what);
        }
    }

    [Test]
    public void DamagedJpegIsAnError([Values("colour.jpg", "progressive.jpg", "grey.jpg")] string file)
    {
        byte[] sound = Pictures.File(file);
        int frame = JpegFile.Frame(sound);
        ExpectError(Changed(frame + 1, 0, 0), ImageDecodeError.Damaged, what: "no height");
        ExpectError(Changed(frame - 2, 0, 1), ImageDecodeError.Damaged, what: "a segment shorter than its length");
        ExpectError(Changed(frame - 2, 0, 200), ImageDecodeError.Damaged, what: "a segment that ends in the next");
        ExpectError([.. sound[..(frame - 4)], 1, 2, .. sound[(frame - 4)..]], ImageDecodeError.Damaged, what: "bytes between segments");
        ExpectError([0xff, 0xd8, 0xff, 0xd9], ImageDecodeError.Damaged, what: "no picture");

        byte[] Changed(int at, params byte[] bytes) => [.. sound[..at], .. bytes, .. sound[(at + bytes.Length)..]];
    }

    [Test]
    public void DamagedWebPIsAnError()
    {
        byte[] lossy = WebPFile.Chunks(Pictures.File("lossy.webp"))[0].Content, lossless = WebPFile.Chunks(Pictures.File("lossless.webp"))[0].Content;
        foreach ((string what, byte[] file) in new (string, byte[])[]
        {
            ("no chunk", WebPFile.FromChunks()),
            ("another chunk first", WebPFile.FromChunks(("EXIF", [1, 2]), ("VP8 ", lossy))),
            ("no picture", WebPFile.FromChunks(WebPFile.Canvas(20, 14, 0), ("EXIF", [1, 2]))),
            ("canvas of another size", WebPFile.FromChunks(WebPFile.Canvas(20, 15, 0), ("VP8 ", lossy))),
            ("short canvas", WebPFile.FromChunks(("VP8X", new byte[9]), ("VP8 ", lossy))),
            ("not a key frame", WebPFile.FromChunks(("VP8 ", [(byte)(lossy[0] | 1), .. lossy[1..]]))),
            ("no start code", WebPFile.FromChunks(("VP8 ", [.. lossy[..3], 0, .. lossy[4..]]))),
            ("first part longer than the picture", WebPFile.FromChunks(("VP8 ", [lossy[0], 0xff, 0xff, .. lossy[3..]]))),
            ("no width", WebPFile.FromChunks(("VP8 ", [.. lossy[..6], 0, 0, .. lossy[8..]]))),
            ("no lossless signature", WebPFile.FromChunks(("VP8L", [0, .. lossless[1..]]))),
            ("lossless version 1", WebPFile.FromChunks(("VP8L", [.. lossless[..4], (byte)(lossless[4] | 0x20), .. lossless[5..]]))),
            ("lossless data in a lossy chunk", WebPFile.FromChunks(("VP8 ", lossless))),
        })
        {
            ExpectError(file, ImageDecodeError.Damaged, what: what);
        }
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
                ImageCodecs.Decode(damaged, 1 << 20);
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
        ExpectError([.. "this is text"u8], ImageDecodeError.NotAnImage);
        ExpectError([.. "BM"u8, .. new byte[100]], ImageDecodeError.NotAnImage, what: "BMP");
        ExpectError([.. "II*\0"u8, .. new byte[100]], ImageDecodeError.NotAnImage, what: "TIFF");
        ExpectError([.. "RIFF"u8, 4, 0, 0, 0, .. "WAVE"u8], ImageDecodeError.NotAnImage, what: "sound");
        ExpectError([], ImageDecodeError.NotAnImage);
    }

    [Test]
    public void PixelLimitIsExact()
    {
        byte[] png = PngWriter.Write(Pictures.Samples(8, 8, 3, 8), PngWriter.Rgb, 8);
        foreach (byte[] file in new[] { png, Pictures.File("colour.jpg"), Pictures.File("lossy.webp"), Pictures.File("lossless.webp") })
        {
            RgbaImage image = ImageCodecs.Decode(file);
            long pixels = (long)image.Width * image.Height;
            Assert.That(() => ImageCodecs.Decode(file, pixels), Throws.Nothing);
            ExpectError(file, ImageDecodeError.TooLarge, pixels - 1);
            ExpectError(file, ImageDecodeError.TooLarge, 0);
            Assert.That(() => ImageCodecs.Decode(file, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        }
    }

    [Test]
    public void HeadersOfHugePicturesAreRefusedAtOnce()
    {
        byte[] png = Png(int.MaxValue, int.MaxValue, PngWriter.RgbAlpha, 16, ("IDAT", PngWriter.Deflate([0])));

        byte[] jpeg = Pictures.File("colour.jpg");
        new byte[] { 0xff, 0xdc, 0xff, 0xdc }.CopyTo(jpeg, JpegFile.Frame(jpeg) + 1); // 65,500 x 65,500, the most that libjpeg takes

        byte[] webp = Pictures.File("lossless.webp");
        Assert.That(webp[20], Is.EqualTo(0x2f), "the signature of lossless WebP");
        BinaryPrimitives.WriteUInt32LittleEndian(webp.AsSpan(21), 0x0fffffff); // 16,384 x 16,384

        foreach (byte[] file in new[] { png, jpeg, webp }) ExpectRefusedAtOnce(file, ImageDecodeError.TooLarge);
    }

    [Test]
    public void SecondHeaderDoesNotLiftTheLimit()
    {
        byte[] data = PngWriter.Deflate([0, 0]);
        ExpectRefusedAtOnce(
            Png(1, 1, PngWriter.Grey, 8, ("IHDR", PngWriter.Header(30000, 30000, 8, PngWriter.Grey)), ("IDAT", data)), ImageDecodeError.Damaged);

        byte[] jpeg = Pictures.File("colour.jpg"), huge = [.. jpeg];
        int frame = JpegFile.Frame(jpeg);
        new byte[] { 0xff, 0xdc, 0xff, 0xdc }.CopyTo(huge, frame + 1);
        int end = frame - 2 + BinaryPrimitives.ReadUInt16BigEndian(jpeg.AsSpan(frame - 2));
        ExpectRefusedAtOnce([.. jpeg[..end], .. huge[(frame - 4)..]], ImageDecodeError.Damaged);

        byte[] lossless = WebPFile.Chunks(Pictures.File("lossless.webp"))[0].Content;
        BinaryPrimitives.WriteUInt32LittleEndian(lossless.AsSpan(1), 0x0fffffff);
        byte[] webp = WebPFile.FromChunks(WebPFile.Canvas(20, 14, 0), ("VP8L", lossless));
        Assert.That(() => ImageCodecs.Decode(webp), Throws.TypeOf<ImageDecodeException>());
    }

    [Test]
    public void BombWithinItsHeaderIsRefusedAtOnce()
    {
        // 30,000 x 30,000 black pixels in about 100 KiB.
        byte[] data = PngWriter.Deflate(new byte[30000 * (1 + 30000 / 8)]);
        ExpectRefusedAtOnce(Png(30000, 30000, PngWriter.Grey, 1, ("IDAT", data)), ImageDecodeError.TooLarge);
    }

    [Test]
    public void PngRowsThatImageSharpCannotCountAreRefused()
    {
        const int width = 1 << 24; // x 16 bits x 8 bytes = 2^31
        byte[] file = PngWriter.FromChunks(
            ("IHDR", PngWriter.Header(width, 1, 16, PngWriter.RgbAlpha)), ("IDAT", PngWriter.Deflate(new byte[1 + 8 * width])), ("IEND", []));
        ExpectError(file, ImageDecodeError.NotSupported);
    }

    [Test]
    public void ArithmeticAndUncommonJpegAreRefused([Values("colour.jpg", "progressive.jpg", "grey.jpg")] string file)
    {
        byte[] sound = Pictures.File(file);
        int frame = JpegFile.Frame(sound);
        foreach (byte kind in new byte[] { 0xc3, 0xc5, 0xc9, 0xca })
        {
            byte[] other = [.. sound];
            other[frame - 3] = kind;
            Assert.That(ExpectError(other, ImageDecodeError.NotSupported, what: $"frame {kind:x2}").Message, Does.Contain("arithmetic"));
        }
        sound[frame] = 12;
        ExpectError(sound, ImageDecodeError.NotSupported, what: "12 bits");
    }

    /// <summary>A changed bit of coded data is another value, or another code, which mostly moves the end of the data; JPEG has no checksum for the rest.</summary>
    [Test]
    public void ChangedBitsThatMoveTheEndOfCodedJpegDataAreNoticed([Values("restart.jpg", "separate.jpg", "wide_chroma.jpg")] string file)
    {
        byte[] sound = Pictures.File(file);
        int noticed = 0, all = 0;
        for (int at = sound.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xff, 0xda]) + 14; at < sound.Length - 2; at += 3, all++)
        {
            byte[] damaged = [.. sound];
            damaged[at] ^= 0x10;
            try
            {
                ImageCodecs.Decode(damaged);
            }
            catch (ImageDecodeException e)
            {
                Assert.That(e.Error, Is.EqualTo(ImageDecodeError.Damaged));
                noticed++;
            }
        }
        Assert.That(noticed, Is.GreaterThan(all / 6));
    }

    [Test]
    public void JpegWithPartsLeftOutIsAnError([Values("colour.jpg", "restart.jpg", "separate.jpg", "grey.jpg")] string file)
    {
        List<byte[]> parts = JpegFile.Parts(Pictures.File(file));
        var needed = parts.Index().Where(p => p.Item[1] is 0xdb or 0xc4 or 0xc0 or 0xc2 or 0xd9 || (p.Item[1] == 0xda && file == "separate.jpg")).ToList();
        Assert.That(needed, Has.Count.GreaterThan(3));
        foreach (var (index, part) in needed)
            ExpectError([.. parts.Where((_, i) => i != index).SelectMany(p => p)], ImageDecodeError.Damaged, what: $"{part[1]:x2}");
    }

    [Test]
    public void SurplusCodedDataAreAnError([Values("colour.jpg", "progressive.jpg", "grey.jpg")] string file)
    {
        byte[] sound = Pictures.File(file), longer = [.. sound[..^2], 0, 0xff, 0xd9];
        ExpectError(longer, ImageDecodeError.Damaged);
    }

    [Test]
    public void CompressedTextIsNotUnpackedWithoutBounds()
    {
        // 256 MiB of text in 256 KiB: a codec may refuse the file or skip the text.
        byte[] text = [.. "a\0\0"u8, .. PngWriter.Deflate(new byte[1 << 28])];
        byte[] file = Png(1, 1, PngWriter.Grey, 8, ("zTXt", text), ("IDAT", PngWriter.Deflate([0, 7])));
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            Assert.That(ImageCodecs.Decode(file).Pixels, Is.EqualTo(new byte[] { 7, 7, 7, 255 }));
        }
        catch (ImageDecodeException e)
        {
            Assert.That(e.Error, Is.EqualTo(ImageDecodeError.Damaged));
        }
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 24));
    }

    [Test]
    public void JpegOfThousandsOfScansIsRefusedAtOnce()
    {
        byte[] file = Pictures.File("progressive.jpg");
        int scan = file.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0xff, 0xda]);
        byte[] repeated = [.. Enumerable.Repeat(file[scan..^2], 5000).SelectMany(b => b)];
        ExpectRefusedAtOnce([.. file[..^2], .. repeated, 0xff, 0xd9], ImageDecodeError.Damaged);
    }

    private static byte[] Png(int width, int height, int colourType, int bitDepth, params (string Name, byte[] Content)[] chunks) =>
        PngWriter.FromChunks([("IHDR", PngWriter.Header(width, height, bitDepth, colourType)), .. chunks, ("IEND", [])]);

    private static void ExpectRefusedAtOnce(byte[] file, ImageDecodeError error)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        ExpectError(file, error);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1 << 20));
    }
}
