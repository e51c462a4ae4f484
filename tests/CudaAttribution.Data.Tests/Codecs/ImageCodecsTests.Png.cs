using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Codecs;

/// <summary>Every colour type and bit depth of the PNG specification, against pixels computed from the samples.</summary>
public sealed partial class ImageCodecsTests
{
    // Odd sizes, so that rows of 1, 2 and 4 bits end inside a byte and every Adam7 pass is cut.
    private const int Width = 37, Height = 13;

    [Test]
    public void Grey([Values(1, 2, 4, 8, 16)] int bitDepth, [Values] bool interlaced)
    {
        int[,,] samples = Pictures.Samples(Width, Height, 1, bitDepth);
        Expect(PngWriter.Write(samples, PngWriter.Grey, bitDepth, interlaced: interlaced), (y, x) =>
        {
            byte grey = To8(samples[y, x, 0], bitDepth);
            return [grey, grey, grey, 255];
        });
    }

    [Test]
    public void GreyWithTransparentValue([Values(1, 2, 4, 8, 16)] int bitDepth)
    {
        int[,,] samples = Pictures.Samples(Width, Height, 1, bitDepth);
        int clear = bitDepth == 16 ? samples[3, 5, 0] : 1;
        byte[] file = PngWriter.Write(samples, PngWriter.Grey, bitDepth, transparency: [(byte)(clear >> 8), (byte)clear]);
        Expect(file, (y, x) =>
        {
            byte grey = To8(samples[y, x, 0], bitDepth);
            return [grey, grey, grey, (byte)(samples[y, x, 0] == clear ? 0 : 255)];
        });
    }

    [Test]
    public void TransparentGreyOf16BitsComparesAllBits()
    {
        var samples = new int[1, 2, 1];
        (samples[0, 0, 0], samples[0, 1, 0]) = (0x8001, 0x8002);
        Expect(PngWriter.Write(samples, PngWriter.Grey, 16, transparency: [0x80, 0x01]), (_, x) => [0x80, 0x80, 0x80, (byte)(x == 0 ? 0 : 255)]);
    }

    [Test]
    public void Colour([Values(8, 16)] int bitDepth, [Values] bool interlaced)
    {
        int[,,] samples = Pictures.Samples(Width, Height, 3, bitDepth);
        Expect(PngWriter.Write(samples, PngWriter.Rgb, bitDepth, interlaced: interlaced), (y, x) =>
            [To8(samples[y, x, 0], bitDepth), To8(samples[y, x, 1], bitDepth), To8(samples[y, x, 2], bitDepth), 255]);
    }

    [Test]
    public void ColourWithTransparentValue()
    {
        int[,,] samples = Pictures.Samples(Width, Height, 3, 8);
        byte[] clear = [0, (byte)samples[2, 4, 0], 0, (byte)samples[2, 4, 1], 0, (byte)samples[2, 4, 2]];
        Expect(PngWriter.Write(samples, PngWriter.Rgb, 8, transparency: clear), (y, x) =>
        {
            bool hidden = Enumerable.Range(0, 3).All(c => samples[y, x, c] == samples[2, 4, c]);
            return [(byte)samples[y, x, 0], (byte)samples[y, x, 1], (byte)samples[y, x, 2], (byte)(hidden ? 0 : 255)];
        });
    }

    [Test]
    public void GreyWithAlpha([Values(8, 16)] int bitDepth, [Values] bool interlaced)
    {
        int[,,] samples = Pictures.Samples(Width, Height, 2, bitDepth);
        Expect(PngWriter.Write(samples, PngWriter.GreyAlpha, bitDepth, interlaced: interlaced), (y, x) =>
        {
            byte grey = To8(samples[y, x, 0], bitDepth);
            return [grey, grey, grey, To8(samples[y, x, 1], bitDepth)];
        });
    }

    [Test]
    public void ColourWithAlpha([Values(8, 16)] int bitDepth, [Values] bool interlaced)
    {
        int[,,] samples = Pictures.Samples(Width, Height, 4, bitDepth);
        Expect(PngWriter.Write(samples, PngWriter.RgbAlpha, bitDepth, interlaced: interlaced), (y, x) =>
            [To8(samples[y, x, 0], bitDepth), To8(samples[y, x, 1], bitDepth), To8(samples[y, x, 2], bitDepth), To8(samples[y, x, 3], bitDepth)]);
    }

    [Test]
    public void PaletteWithPartlyTransparentEntries([Values(1, 2, 4, 8)] int bitDepth, [Values] bool interlaced, [Values] bool transparent)
    {
        int entries = 1 << bitDepth;
        int[,,] samples = Pictures.Samples(Width, Height, 1, bitDepth);
        byte[] palette = [.. Enumerable.Range(0, 3 * entries).Select(i => (byte)(i * 83 + 17))];
        // Fewer alphas than colours: the rest is opaque.
        byte[]? alphas = transparent ? [.. Enumerable.Range(0, Math.Max(1, entries / 2)).Select(i => (byte)(i * 59 + 40))] : null;
        Expect(PngWriter.Write(samples, PngWriter.Palette, bitDepth, palette, alphas, interlaced), (y, x) =>
        {
            int entry = samples[y, x, 0];
            byte alpha = alphas is not null && entry < alphas.Length ? alphas[entry] : (byte)255;
            return [palette[3 * entry], palette[3 * entry + 1], palette[3 * entry + 2], alpha];
        });
    }

    [Test]
    public void PaletteIndexOutsideThePaletteIsOpaqueBlack()
    {
        int[,,] samples = Pictures.Samples(4, 1, 1, 2);
        byte[] palette = [1, 2, 3, 4, 5, 6];
        Expect(PngWriter.Write(samples, PngWriter.Palette, 2, palette), (_, x) =>
            samples[0, x, 0] < 2 ? [.. palette[(3 * samples[0, x, 0])..(3 * samples[0, x, 0] + 3)], 255] : [0, 0, 0, 255]);
    }

    [Test]
    public void SmallestPicture([Values] bool interlaced)
    {
        var samples = new int[1, 1, 3];
        (samples[0, 0, 0], samples[0, 0, 1], samples[0, 0, 2]) = (9, 8, 7);
        Expect(PngWriter.Write(samples, PngWriter.Rgb, 8, interlaced: interlaced), (_, _) => [9, 8, 7, 255]);
    }

    [Test]
    public void TransparentColourOf16BitsComparesAllBits()
    {
        var samples = new int[1, 4, 3];
        for (int x = 0; x < 4; x++)
            for (int c = 0; c < 3; c++) samples[0, x, c] = 0x1020 * (c + 1) + (x == c + 1 ? 1 : 0); // each but the first is off in one channel
        byte[] file = PngWriter.Write(samples, PngWriter.Rgb, 16, transparency: [0x10, 0x20, 0x20, 0x40, 0x30, 0x60]);
        Expect(file, (_, x) => [0x10, 0x20, 0x30, (byte)(x == 0 ? 0 : 255)]);
    }

    [Test]
    public void SamplesOf16BitsKeepTheirHighByte()
    {
        var samples = new int[1, 2, 4];
        int[] values = [0x00ff, 0x7fff, 0x80fe, 0xff80];
        for (int c = 0; c < 4; c++) (samples[0, 0, c], samples[0, 1, c]) = (values[c], values[3 - c]);
        Expect(PngWriter.Write(samples, PngWriter.RgbAlpha, 16), (_, x) => x == 0 ? [0x00, 0x7f, 0x80, 0xff] : [0xff, 0x80, 0x7f, 0x00]);
    }

    [Test]
    public void TransparencyThatDoesNotFitIsLeftOut()
    {
        var samples = new int[1, 2, 1];
        samples[0, 1, 0] = 1;
        byte[] palette = [1, 2, 3, 4, 5, 6];
        foreach (byte[] alphas in new byte[][] { [], [1, 2, 3] }) // none, and more than colours
            Expect(PngWriter.Write(samples, PngWriter.Palette, 8, palette, alphas), (_, x) => [.. palette[(3 * x)..(3 * x + 3)], 255]);
        foreach (byte[] value in new byte[][] { [0], [0, 1, 2], [1, 1] }) // too short, too long, over 8 bits
            Expect(PngWriter.Write(samples, PngWriter.Grey, 8, transparency: value), (_, x) => [(byte)x, (byte)x, (byte)x, 255]);
        Expect(PngWriter.Write(new int[1, 1, 4], PngWriter.RgbAlpha, 8, transparency: [0, 0, 0, 0, 0, 0]), (_, _) => [0, 0, 0, 0]);

        byte[] header = PngWriter.Header(1, 1, 8, PngWriter.Grey), data = PngWriter.Deflate([0, 7]);
        byte[] late = PngWriter.FromChunks(("IHDR", header), ("IDAT", data), ("tRNS", [0, 7]), ("IEND", []));
        Expect(late, (_, _) => [7, 7, 7, 255]);
        byte[] twice = PngWriter.FromChunks(("IHDR", header), ("tRNS", [0, 7]), ("tRNS", [0, 8]), ("IDAT", data), ("IEND", []));
        Expect(twice, (_, _) => [7, 7, 7, 0]);
    }

    /// <summary>Full range for 1 to 8 bits (v * 255 / (2^d - 1) is whole), the high byte for 16.</summary>
    private static byte To8(int sample, int bitDepth) => (byte)(bitDepth == 16 ? sample >> 8 : sample * 255 / ((1 << bitDepth) - 1));

    private static void Expect(byte[] file, Func<int, int, byte[]> pixel)
    {
        RgbaImage image = ImageCodecs.Decode(file);
        for (int y = 0; y < image.Height; y++)
            for (int x = 0; x < image.Width; x++)
                Assert.That(image.Pixels.AsSpan(4 * (y * image.Width + x), 4).ToArray(), Is.EqualTo(pixel(y, x)), $"row {y}, column {x}");
    }
}
