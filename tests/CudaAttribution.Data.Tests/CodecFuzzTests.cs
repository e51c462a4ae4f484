using System.Diagnostics;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>Damaged files: every one is decoded or refused with a sentence, in bounded time and memory.</summary>
public sealed class CodecFuzzTests
{
    private const long MaxPixels = 1 << 24, MaxMemory = 512L << 20;
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(5);

    public static IEnumerable<string> Formats() => ["png", "jpg", "webp"];

    [TestCaseSource(nameof(Formats))]
    public void EveryFileIsDecodedOrRefused(string format) => Run(format, files: 500, seed: 5);

    [Category("Slow")]
    [TestCaseSource(nameof(Formats))]
    public void EachOfTenThousandFilesIsDecodedOrRefused(string format) => Run(format, files: 10_000, seed: 6);

    private static void Run(string format, int files, int seed)
    {
        byte[][] originals = [.. Originals(format)];
        foreach (byte[] original in originals) Assert.That(() => ImageCodecs.Decode(original), Throws.Nothing);
        var damage = new Damage(seed);
        var outcomes = new Dictionary<string, int>();
        TimeSpan slowest = default;
        ForgetPeakMemory();
        for (int i = 0; i < files; i++)
        {
            byte[] file = damage.Of(originals[i % originals.Length]);
            TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
            string outcome = Outcome(i, file);
            TimeSpan taken = Process.GetCurrentProcess().TotalProcessorTime - before;
            if (taken > MaxTime) Assert.Fail($"file {i} of {file.Length} bytes took {taken}");
            if (taken > slowest) slowest = taken;
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }
        long peak = PeakMemory();
        TestContext.Out.WriteLine(
            $"{format}: {string.Join(", ", outcomes.Select(o => $"{o.Value} {o.Key}"))}; slowest {slowest.TotalMilliseconds:F0} ms of processor time, "
            + $"peak of the process {peak >> 20} MiB");
        Assert.That(peak, Is.LessThan(MaxMemory));
        Assert.That(outcomes.GetValueOrDefault("decoded"), Is.InRange(files / 40, files - files / 4), "some are still sound, some are not");
    }

    private static string Outcome(int number, byte[] file)
    {
        try
        {
            var picture = ImageCodecs.Decode(file, MaxPixels);
            Assert.That((long)picture.Width * picture.Height, Is.InRange(1, MaxPixels));
            return "decoded";
        }
        catch (ImageDecodeException e)
        {
            if (e.Message.Length < 10 || e.Message.Any(char.IsControl)) Assert.Fail($"file {number}: '{e.Message}' is no clear sentence");
            return e.Error.ToString();
        }
        catch (Exception e)
        {
            Assert.Fail($"file {number} ({Convert.ToBase64String(file)}): {e}");
            throw;
        }
    }

    private static IEnumerable<byte[]> Originals(string format)
    {
        foreach (string file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "files"), "*." + format).Order(StringComparer.Ordinal))
        {
            if (Path.GetFileName(file) is not ("cmyk.jpg" or "animated.webp")) yield return File.ReadAllBytes(file);
        }
        if (format != "png") yield break;
        byte[] palette = [.. Enumerable.Range(0, 48).Select(v => (byte)(5 * v))];
        yield return PngWriter.Write(Pictures.Samples(19, 7, 1, 1), PngWriter.Grey, 1, transparency: [0, 1]);
        yield return PngWriter.Write(Pictures.Samples(19, 7, 1, 16), PngWriter.Grey, 16, interlaced: true);
        yield return PngWriter.Write(Pictures.Samples(19, 7, 1, 4), PngWriter.Palette, 4, palette, [10, 20, 30]);
        yield return PngWriter.Write(Pictures.Samples(3, 7, 2, 8), PngWriter.GreyAlpha, 8, interlaced: true);
        yield return PngWriter.Write(Pictures.Samples(19, 7, 4, 16), PngWriter.RgbAlpha, 16);
    }

    /// <summary>Linux counts the peak of the resident memory from here.</summary>
    private static void ForgetPeakMemory()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        File.WriteAllText("/proc/self/clear_refs", "5");
    }

    private static long PeakMemory() =>
        1024 * long.Parse(File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ')[^2]);
}
