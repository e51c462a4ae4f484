using CudaAttribution.Images;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Descriptors;

/// <summary>A picture that a descriptor is judged on.</summary>
/// <param name="Caption">What it shows: drawings of one thing by several hands share it.</param>
/// <param name="Picture">The picture.</param>
public sealed record JudgedPicture(string Caption, RgbImage Picture);

/// <summary>
/// How well a descriptor tells copies of a picture from other drawings of the same thing, on pictures that it was not trained on.
/// </summary>
/// <param name="Pictures">How many.</param>
/// <param name="Redrawn">Pairs of different pictures with one caption.</param>
/// <param name="Auc">Chance that a copy is nearer to its picture than a pair of redrawn pictures to each other, a tie counting half.</param>
/// <param name="CopyCosine">Mean cosine between a picture and its copy.</param>
/// <param name="RedrawnCosine">Mean cosine of the redrawn pairs.</param>
/// <param name="NearestNegativeCosine">Mean over the pictures of the largest cosine with another picture.</param>
/// <param name="CopyRecall">Share of copies within <see cref="Threshold"/> of their picture.</param>
/// <param name="RedrawnBelow">Share of redrawn pairs within it.</param>
public sealed record DescriptorEvaluation(
    int Pictures, int Redrawn, double Auc, double CopyCosine, double RedrawnCosine, double NearestNegativeCosine, double CopyRecall, double RedrawnBelow)
{
    /// <summary>The least AUC, and the largest mean cosine of the nearest negatives, that a descriptor is accepted with.</summary>
    public const double LeastAuc = 0.97, MostNearest = 0.5;

    /// <summary>1 − cosine at which 90 % of found pairs were copies for the published network on DISC2021.</summary>
    public const double Threshold = 0.25;

    /// <summary>Whether both bars are met.</summary>
    public bool Accepted => Auc >= LeastAuc && NearestNegativeCosine <= MostNearest;

    /// <summary>Judges a descriptor; one copy of each picture.</summary>
    /// <param name="model">The descriptor.</param>
    /// <param name="pictures">The pictures, among them some of one caption.</param>
    /// <param name="augmentation">Makes the copies.</param>
    /// <param name="seed">Seed of the copies.</param>
    /// <exception cref="ArgumentException">No two pictures share a caption.</exception>
    public static DescriptorEvaluation Of(SscdModel model, IReadOnlyList<JudgedPicture> pictures, IAugmentation augmentation, ulong seed)
    {
        int n = pictures.Count, d = model.Config.Dimensions;
        var copies = pictures.Select((p, i) =>
            augmentation.Apply(p.Picture, new PhiloxSequence(seed, Philox.Stream("descriptor.copy", (ulong)i)).NextSingle));
        float[] originals = model.Embed([.. pictures.Select(p => p.Picture)]), changed = model.Embed([.. copies]);
        double[] copyCosines = [.. Enumerable.Range(0, n).Select(i => Cosine(originals, i, changed, i))];
        var redrawn = new List<double>();
        double nearestSum = 0;
        for (int i = 0; i < n; i++)
        {
            double nearest = -1;
            for (int j = 0; j < n; j++)
            {
                if (j == i) continue;
                double cosine = Cosine(originals, i, originals, j);
                nearest = Math.Max(nearest, cosine);
                if (i < j && pictures[i].Caption == pictures[j].Caption) redrawn.Add(cosine);
            }
            nearestSum += nearest;
        }
        if (redrawn.Count == 0) throw new ArgumentException("no two pictures share a caption: give the sets of several hands", nameof(pictures));
        return new DescriptorEvaluation(
            n, redrawn.Count, AreaUnderCurve(copyCosines, redrawn), copyCosines.Average(), redrawn.Average(), nearestSum / n,
            Share(copyCosines), Share(redrawn));

        double Cosine(float[] a, int i, float[] b, int j)
        {
            double sum = 0;
            for (int k = 0; k < d; k++) sum += (double)a[(i * d) + k] * b[(j * d) + k];
            return sum;
        }

        static double Share(IReadOnlyCollection<double> cosines) => cosines.Count(c => 1 - c <= Threshold) / (double)cosines.Count;
    }

    /// <summary>P(positive &gt; negative) + P(equal) / 2.</summary>
    internal static double AreaUnderCurve(IReadOnlyList<double> positives, IReadOnlyList<double> negatives)
    {
        double[] sorted = [.. negatives.Order()];
        double wins = 0;
        foreach (double p in positives)
        {
            int below = Below(p, orEqual: false), upTo = Below(p, orEqual: true);
            wins += below + (0.5 * (upTo - below));
        }
        return wins / ((double)positives.Count * negatives.Count);

        int Below(double value, bool orEqual)
        {
            int low = 0, high = sorted.Length;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (sorted[middle] < value || (orEqual && sorted[middle] == value)) low = middle + 1;
                else high = middle;
            }
            return low;
        }
    }
}
