using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;

namespace CudaAttribution.Data.Tests.Support;

/// <summary>Test files and made-up pictures.</summary>
internal static class Pictures
{
    public static byte[] File(string name) => System.IO.File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "files", name));

    /// <summary>A picture of random bytes; the same seed gives the same picture.</summary>
    public static RgbImage Noise(int width, int height, ulong seed)
    {
        var random = new SplitMix64(seed);
        var pixels = new byte[3 * width * height];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)random.Next();
        return new RgbImage(width, height, pixels);
    }

    /// <summary>A picture of soft waves in each channel, as photographs are soft: lossy formats keep it well.</summary>
    public static RgbImage Waves(int width, int height)
    {
        var pixels = new byte[3 * width * height];
        for (int i = 0; i < pixels.Length; i++)
        {
            int c = i % 3, x = i / 3 % width, y = i / 3 / width;
            pixels[i] = (byte)(128 + 60 * Math.Sin((x + 9 * c) / 11.0) + 60 * Math.Cos((y - 7 * c) / 13.0));
        }
        return new RgbImage(width, height, pixels);
    }

    /// <summary>Peak signal-to-noise ratio of two pictures' bytes, dB; infinite where they are equal.</summary>
    public static double Psnr(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        if (a.Length != b.Length) throw new ArgumentException($"{a.Length} bytes against {b.Length}");
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
        return 10 * Math.Log10(255.0 * 255 * a.Length / sum);
    }

    /// <summary>Samples below 2^bitDepth with every value that fits.</summary>
    public static int[,,] Samples(int width, int height, int channels, int bitDepth)
    {
        var samples = new int[height, width, channels];
        var random = new SplitMix64(99);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int c = 0; c < channels; c++)
                    samples[y, x, c] = c == 0 ? (y * width + x) % (1 << bitDepth) : random.Below(1 << bitDepth);
        return samples;
    }
}

/// <summary>A folder of a test's own, removed at its end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Directory.CreateDirectory(Path);

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "cudattr-data-" + Guid.NewGuid().ToString("N"));

    public string Write(string name, byte[] bytes)
    {
        string path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public string Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    public string Write(string name, RgbImage image) => Write(name, ImageCodecs.EncodePng(image));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
