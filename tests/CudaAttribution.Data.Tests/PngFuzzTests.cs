using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>
/// Ten thousand damaged PNG files: every one is decoded or refused with a sentence, within a bounded time and memory. A third is
/// damaged anywhere, a third in a chunk whose checksum is then made right, a third in its rows before they are compressed.
/// </summary>
public class PngFuzzTests
{
    private const int Files = 10_000;
    private const long MaxPixels = 1 << 20, MaxBytesPerFile = 4 * MaxPixels + (1 << 20);
    private static readonly TimeSpan MaxTimePerFile = TimeSpan.FromSeconds(10);
    private static readonly uint[] Numbers = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

    [Test]
    public void EveryFileIsDecodedOrRefused()
    {
        byte[][] originals = [.. Originals()];
        var random = new Random(5);
        int decoded = 0, refused = 0;
        for (int i = 0; i < Files; i++)
        {
            byte[] original = originals[i % originals.Length];
            byte[] file = (i / originals.Length % 3) switch
            {
                0 => Damage(original, random),
                1 => WithChunks(original, random, inRows: false),
                _ => WithChunks(original, random, inRows: true),
            };
            if (Decodes(i, file)) decoded++;
            else refused++;
        }
        TestContext.Out.WriteLine($"{decoded} decoded, {refused} refused");
        Assert.That(Math.Min(decoded, refused), Is.GreaterThan(Files / 20), "some are still sound, some are not");
    }

    private static bool Decodes(int number, byte[] file)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        bool decoded = false;
        try
        {
            var picture = ImageCodecs.Decode(file, MaxPixels);
            Assert.That((long)picture.Width * picture.Height, Is.InRange(1, MaxPixels));
            decoded = true;
        }
        catch (ImageDecodeException e)
        {
            if (e.Message.Length < 10 || e.Message.Any(char.IsControl)) Assert.Fail($"file {number}: '{e.Message}' is no clear sentence");
        }
        catch (Exception e)
        {
            Assert.Fail($"file {number} ({Convert.ToBase64String(file)}): {e}");
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > MaxBytesPerFile) Assert.Fail($"file {number} of {file.Length} bytes took {allocated:N0} bytes of memory");
        if (watch.Elapsed > MaxTimePerFile) Assert.Fail($"file {number} took {watch.Elapsed}");
        return decoded;
    }

    private static IEnumerable<byte[]> Originals()
    {
        byte[] palette = [.. Enumerable.Range(0, 48).Select(v => (byte)(5 * v))];
        yield return PngWriter.Write(Pictures.Samples(19, 7, 1, 1), PngWriter.Grey, 1, transparency: [0, 1]);
        yield return PngWriter.Write(Pictures.Samples(19, 7, 1, 16), PngWriter.Grey, 16, interlaced: true);
        yield return PngWriter.Write(Pictures.Samples(19, 7, 3, 8), PngWriter.Rgb, 8);
        yield return PngWriter.Write(Pictures.Samples(19, 7, 1, 4), PngWriter.Palette, 4, palette, [10, 20, 30]);
        yield return PngWriter.Write(Pictures.Samples(19, 7, 2, 8), PngWriter.GreyAlpha, 8, interlaced: true);
        yield return PngWriter.Write(Pictures.Samples(19, 7, 4, 16), PngWriter.RgbAlpha, 16);
    }

    /// <summary>One to three bytes, numbers or pieces changed.</summary>
    private static byte[] Damage(byte[] original, Random random)
    {
        var bytes = new List<byte>(original);
        for (int changes = 1 + random.Next(3); changes > 0; changes--)
        {
            int at = random.Next(bytes.Count + 1), rest = bytes.Count - at;
            switch (random.Next(5))
            {
                case 0 when rest > 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1 when rest >= 4:
                    byte[] number = new byte[4];
                    BinaryPrimitives.WriteUInt32BigEndian(number, Numbers[random.Next(Numbers.Length)]);
                    for (int i = 0; i < 4; i++) bytes[at + i] = number[i];
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, random.Next(Math.Min(rest, 40) + 1)));
                    break;
                case 3:
                    bytes.RemoveRange(at, random.Next(Math.Min(rest, 12) + 1));
                    break;
                default:
                    if (rest > 0) bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }
        return [.. bytes];
    }

    /// <summary>The file with the content of one chunk damaged, or with its rows damaged before compression; all checksums are right.</summary>
    private static byte[] WithChunks(byte[] original, Random random, bool inRows)
    {
        var chunks = Chunks(original);
        int victim = random.Next(chunks.Count);
        var file = new MemoryStream();
        file.Write(original.AsSpan(0, 8));
        var rows = new MemoryStream();
        for (int i = 0; i < chunks.Count; i++)
        {
            var (name, content) = chunks[i];
            if (name == "IDAT" && inRows)
            {
                rows.Write(content);
                if (chunks[i + 1].Name != "IDAT") PngWriter.WriteChunk(file, name, PngWriter.Deflate(Damage(Inflate(rows.ToArray()), random)));
            }
            else PngWriter.WriteChunk(file, name, i == victim && !inRows ? Damage(content, random) : content);
        }
        return file.ToArray();
    }

    private static List<(string Name, byte[] Content)> Chunks(byte[] file)
    {
        var chunks = new List<(string, byte[])>();
        for (int at = 8; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            chunks.Add((System.Text.Encoding.ASCII.GetString(file, at + 4, 4), file[(at + 8)..(at + 8 + length)]));
            at += length + 12;
        }
        return chunks;
    }

    private static byte[] Inflate(byte[] compressed)
    {
        using var zlib = new ZLibStream(new MemoryStream(compressed), CompressionMode.Decompress);
        var rows = new MemoryStream();
        zlib.CopyTo(rows);
        return rows.ToArray();
    }
}
