using CudaAttribution.Answers;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Statistics;

namespace CudaAttribution.Keys;

/// <summary>
/// A prompt under consideration as a key, with what the source and the innocents answered to it. There are as many as training pictures, so none holds a
/// picture.
/// </summary>
internal sealed class Candidate
{
    private readonly Func<RgbImage> _medoid;

    private Candidate(CaptionedImage pair, Func<RgbImage> medoid, double dispersion, double reconstruction, double divergence) =>
        (Pair, _medoid, Dispersion, Reconstruction, Divergence) = (pair, medoid, dispersion, reconstruction, divergence);

    public CaptionedImage Pair { get; }

    public double Dispersion { get; }

    public double Reconstruction { get; }

    public double Divergence { get; }

    public double? Innocent { get; private set; }

    public double? InnocentPaired { get; private set; }

    /// <summary>Measures the source's draws; null where fewer than two came.</summary>
    public static Candidate? Measure(CaptionedImage pair, AnswerSheet answers, int prompt, IPictureMeasure measure)
    {
        var (came, images) = (new List<int>(), new List<RgbImage>());
        foreach (var (draw, answer) in answers.To(prompt).Index())
        {
            if (answer.Image is not { } image) continue;
            came.Add(draw);
            images.Add(image);
        }
        if (images.Count < 2) return null;
        var draws = measure.Prepare(images);
        var between = measure.Matrix(draws, draws);
        var fromTraining = measure.Matrix(measure.Prepare([pair.Image.Read()]), draws);
        var pairs = new List<double>();
        int medoid = 0;
        double least = double.PositiveInfinity, best = double.PositiveInfinity;
        for (int k = 0; k < images.Count; k++)
        {
            double sum = 0;
            for (int l = 0; l < images.Count; l++)
            {
                sum += between[k, l];
                if (l > k) pairs.Add(between[k, l]);
            }
            if (sum < least) (least, medoid) = (sum, k);
            best = Math.Min(best, fromTraining[0, k]);
        }
        int medoidDraw = came[medoid];
        return new(pair, () => answers[prompt, medoidDraw].Image!, Quantile.Median(pairs), best, fromTraining[0, medoid]);
    }

    public RgbImage ReadMedoid() => _medoid();

    public RgbImage ReadReference(KeyReference reference) => reference == KeyReference.Training ? Pair.Image.Read() : ReadMedoid();

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
        var toTraining = measure.Matrix(measure.Prepare([Pair.Image.Read()]), prepared);
        var toMedoid = measure.Matrix(measure.Prepare([ReadMedoid()]), prepared);
        Innocent = (reference == KeyReference.Training ? toTraining : toMedoid).Cast<double>().Min();
        InnocentPaired = Enumerable.Range(0, images.Length).Average(j => toMedoid[0, j] < toTraining[0, j] ? 1.0 : 0.0);
    }
}
