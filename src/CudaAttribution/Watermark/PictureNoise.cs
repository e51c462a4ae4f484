using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Watermark;

/// <summary>What may happen to a marked picture on its way, as it happens to files: with the program's own resize and a real JPEG codec.</summary>
/// <param name="Name">What it is called in tables.</param>
/// <param name="Apply">Picture number and picture to picture.</param>
public sealed record PictureNoise(string Name, Func<int, RgbImage, RgbImage> Apply)
{
    private const ulong Seed = 32;

    /// <summary>Nothing, resizes, JPEG, normal noise, moves: each of the kinds that training has, and its bounds.</summary>
    /// <param name="device">Draws the noise.</param>
    public static IReadOnlyList<PictureNoise> All(ComputeDevice device) =>
    [
        new("none", (_, picture) => picture),
        Resized(0.75), Resized(0.5), Jpeg(95), Jpeg(75), Jpeg(50),
        new("noise 0.02", (index, picture) => Noisy(device, index, picture, 0.02)),
        new("shift by 1/16", (_, picture) => Shifted(picture, picture.Width / 16, picture.Height / 16)),
        new("mirrored", (_, picture) => Mirrored(picture)),
    ];

    private static PictureNoise Resized(double factor) => new(
        FormattableString.Invariant($"resize {factor}"),
        (_, picture) => picture.Resize((int)(factor * picture.Width), (int)(factor * picture.Height)).Resize(picture.Width, picture.Height));

    private static PictureNoise Jpeg(int quality) =>
        new($"JPEG {quality}", (_, picture) => ImageCodecs.Decode(ImageCodecs.EncodeJpeg(picture, quality)).OverWhite());

    private static RgbImage Noisy(ComputeDevice device, int index, RgbImage picture, double deviation)
    {
        using var arena = new Arena(device);
        var noise = arena.New(new Shape(picture.Pixels.Length));
        RandomNumbers.Normal(noise, Seed, Philox.Stream("watermark.trial", (ulong)index));
        byte[] pixels = [.. picture.Pixels.Zip(noise.ToArray<float>(), (p, z) => (byte)double.Clamp(double.Round(p + (255 * deviation * z)), 0, 255))];
        return new RgbImage(picture.Width, picture.Height, pixels);
    }

    private static RgbImage Shifted(RgbImage picture, int right, int down) =>
        Moved(picture, (x, y) => (int.Max(0, x - right), int.Max(0, y - down)));

    private static RgbImage Mirrored(RgbImage picture) => Moved(picture, (x, y) => (picture.Width - 1 - x, y));

    private static RgbImage Moved(RgbImage picture, Func<int, int, (int X, int Y)> from)
    {
        var pixels = new byte[picture.Pixels.Length];
        for (int i = 0; i < pixels.Length; i++)
        {
            var (x, y) = from(i / 3 % picture.Width, i / 3 / picture.Width);
            pixels[i] = picture.Pixels[(((y * picture.Width) + x) * 3) + (i % 3)];
        }
        return new RgbImage(picture.Width, picture.Height, pixels);
    }
}
