using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Watermark;

/// <summary>One row of a <see cref="WatermarkTrial"/>.</summary>
/// <param name="Noise">What happened to the pictures.</param>
/// <param name="BitAccuracy">Share of the bits that were read right.</param>
/// <param name="Marked">Share of the pictures with at least <see cref="WatermarkReading.DefaultThreshold"/> right bits.</param>
public sealed record WatermarkTrialRow(string Noise, double BitAccuracy, double Marked);

/// <summary>The file <c>trial.json</c>: how well a watermark is read from pictures that it was not trained on, and how little it shows.</summary>
/// <param name="Schema"><see cref="CurrentSchema"/>.</param>
/// <param name="Model">SHA-256 of the watermark's weights.</param>
/// <param name="Data">SHA-256 of the pictures.</param>
/// <param name="Pictures">How many; each gets a message of its own.</param>
/// <param name="Psnr">Peak signal-to-noise ratio of the marked pictures in dB, over all pixels together.</param>
/// <param name="Ssim">Their mean structural similarity, <see cref="Models.Watermark.Ssim"/>.</param>
/// <param name="Rows">Marked pictures after each noise, then the same pictures without a mark, whose accuracy is that of guessing.</param>
public sealed record WatermarkTrial(string Schema, string Model, string Data, int Pictures, double Psnr, double Ssim, IReadOnlyList<WatermarkTrialRow> Rows)
{
    public const string FileName = "trial.json";
    public const string CurrentSchema = "cudattr-watermark-trial-1";

    /// <summary>Marks pictures and reads them again.</summary>
    /// <param name="model">The watermark.</param>
    /// <param name="data">Pictures of its size.</param>
    /// <param name="seed">Of the messages.</param>
    public static WatermarkTrial Of(WatermarkModel model, CaptionedDataset data, ulong seed)
    {
        RgbImage[] pictures = [.. data.Items.Select(i => i.Image.Read())];
        WatermarkMessage[] messages = [.. pictures.Select((_, i) => WatermarkMessage.Draw(seed, (ulong)i))];
        RgbImage[] marked = [.. model.Mark(pictures, messages)];
        double error = pictures.Zip(marked).Sum(p => p.First.Pixels.Zip(p.Second.Pixels, (a, b) => (double)(a - b) * (a - b)).Sum());
        double psnr = 10 * double.Log10(255.0 * 255 * pictures.Sum(p => (double)p.Pixels.Length) / error);
        var noises = PictureNoise.All(model.Parameters.Device);
        return new WatermarkTrial(
            CurrentSchema, model.WeightsHash(), data.Hash, pictures.Length, psnr, Similarity(model.Parameters.Device, pictures, marked),
            [
                .. noises.Select(noise => Row(noise.Name, marked.Select((picture, i) => noise.Apply(i, picture)))),
                Row("no mark", pictures),
            ]);

        WatermarkTrialRow Row(string name, IEnumerable<RgbImage> read)
        {
            int[] matches = [.. model.Read(read).Zip(messages, (m, own) => m.Matches(own))];
            return new WatermarkTrialRow(name, matches.Average() / WatermarkConfig.Bits, matches.Average(m => m >= WatermarkReading.DefaultThreshold ? 1 : 0));
        }
    }

    private static double Similarity(ComputeDevice device, RgbImage[] a, RgbImage[] b)
    {
        double sum = 0;
        foreach (var (one, other) in a.Zip(b))
        {
            using var tape = new Tape(device, record: false);
            sum += tape.StructuralSimilarity(Values(tape, one), Values(tape, other)).ToArray<float>()[0];
        }
        return sum / a.Length;

        static Tensor Values(Tape tape, RgbImage picture)
        {
            var shape = new Shape(1, picture.Height, picture.Width, 3);
            var values = tape.New(shape);
            PixelValues.FromPixels(tape.Arena.From(picture.Pixels, shape), values);
            return tape.Scale(tape.Offset(values, 1), 0.5f);
        }
    }
}
