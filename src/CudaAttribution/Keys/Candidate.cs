using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Images;
using CudaAttribution.Measures;
using CudaAttribution.Statistics;

namespace CudaAttribution.Keys;

/// <summary>A prompt under consideration as a key, with what the source and the innocents answered to it.</summary>
internal sealed class Candidate
{
    private Candidate(CaptionedImage pair, RgbImage medoid, double dispersion, double reconstruction, double divergence) =>
        (Pair, Medoid, Dispersion, Reconstruction, Divergence) = (pair, medoid, dispersion, reconstruction, divergence);

    public CaptionedImage Pair { get; }

    public RgbImage Medoid { get; }

    public double Dispersion { get; }

    public double Reconstruction { get; }

    public double Divergence { get; }

    public double? Innocent { get; private set; }

    public double? InnocentPaired { get; private set; }

    /// <summary>Measures the source's draws; null where fewer than two came.</summary>
    public static Candidate? Measure(CaptionedImage pair, IEnumerable<Answer> answers, IPictureMeasure measure)
    {
        RgbImage[] images = [.. answers.Where(a => a.Image is not null).Select(a => a.Image!)];
        if (images.Length < 2) return null;
        var draws = measure.Prepare(images);
        var between = measure.Matrix(draws, draws);
        var fromTraining = measure.Matrix(measure.Prepare([pair.Image]), draws);
        var pairs = new List<double>();
        int medoid = 0;
        double least = double.PositiveInfinity, best = double.PositiveInfinity;
        for (int k = 0; k < images.Length; k++)
        {
            double sum = 0;
            for (int l = 0; l < images.Length; l++)
            {
                sum += between[k, l];
                if (l > k) pairs.Add(between[k, l]);
            }
            if (sum < least) (least, medoid) = (sum, k);
            best = Math.Min(best, fromTraining[0, k]);
        }
        return new(pair, images[medoid], Quantile.Median(pairs), best, fromTraining[0, medoid]);
    }

    public RgbImage Reference(KeyReference reference) => reference == KeyReference.Training ? Pair.Image : Medoid;

    /// <summary>
    /// n, the distance of the nearest SEL innocent's answer from the reference, and the share of answers that are closer to the medoid than to the
    /// training picture. Answers that never came are as far as can be.
    /// </summary>
    public void MeasureInnocents(IEnumerable<Answer> answers, KeyReference reference, IPictureMeasure measure)
    {
        RgbImage[] images = [.. answers.Where(a => a.Image is not null).Select(a => a.Image!)];
        (Innocent, InnocentPaired) = (measure.Maximum, 0);
        if (images.Length == 0) return;
        var prepared = measure.Prepare(images);
        var toTraining = measure.Matrix(measure.Prepare([Pair.Image]), prepared);
        var toMedoid = measure.Matrix(measure.Prepare([Medoid]), prepared);
        Innocent = (reference == KeyReference.Training ? toTraining : toMedoid).Cast<double>().Min();
        InnocentPaired = Enumerable.Range(0, images.Length).Average(j => toMedoid[0, j] < toTraining[0, j] ? 1.0 : 0.0);
    }
}
