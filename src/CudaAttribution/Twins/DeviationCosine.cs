using CudaAttribution.Images;

namespace CudaAttribution.Twins;

/// <summary>
/// How a suspect's answers to a prompt deviate from what all exchangeable models draw on average, against how each model deviates: the cosine between the
/// two, +1 where the suspect errs as the model does. What models have in common, and the suspect's own way, falls out of it.
/// </summary>
/// <remarks>All sums are over integers (levels 0 to 255), so that exchanging two models exchanges their cosines and changes no bit of anything else.</remarks>
public static class DeviationCosine
{
    /// <param name="models">Of each model its pictures for the prompt, all of one size, of every model as many.</param>
    /// <param name="answers">The suspect's pictures, one at least; of another size they are resized.</param>
    /// <returns>A cosine for each model; 0 where a deviation has no length.</returns>
    public static double[] Of(IReadOnlyList<IReadOnlyList<RgbImage>> models, IReadOnlyList<RgbImage> answers)
    {
        if (answers.Count == 0) throw new ArgumentException("there is no answer", nameof(answers));
        int width = models[0][0].Width, height = models[0][0].Height, draws = models[0].Count;
        int[][] sums = [.. models.Select(pictures => Sum(pictures))];
        var all = new int[sums[0].Length];
        foreach (int[] sum in sums)
        {
            for (int i = 0; i < all.Length; i++) all[i] += sum[i];
        }
        // Deviations from the mean of all models, times a number that no cosine depends on.
        int[] own = Sum([.. answers.Select(a => a.Resize(width, height))]);
        long[] suspect = [.. own.Select((sum, i) => ((long)sum * draws * models.Count) - ((long)all[i] * answers.Count))];
        return [.. sums.Select(sum => Cosine(suspect, [.. sum.Select((s, i) => ((long)s * models.Count) - all[i])]))];
    }

    private static int[] Sum(IReadOnlyList<RgbImage> pictures)
    {
        var sum = new int[pictures[0].Pixels.Length];
        foreach (var picture in pictures)
        {
            for (int i = 0; i < sum.Length; i++) sum[i] += picture.Pixels[i];
        }
        return sum;
    }

    private static double Cosine(long[] a, long[] b)
    {
        Int128 product = 0, lengthA = 0, lengthB = 0;
        for (int i = 0; i < a.Length; i++)
        {
            product += (Int128)a[i] * b[i];
            lengthA += (Int128)a[i] * a[i];
            lengthB += (Int128)b[i] * b[i];
        }
        return lengthA == 0 || lengthB == 0 ? 0 : (double)product / (Math.Sqrt((double)lengthA) * Math.Sqrt((double)lengthB));
    }
}
