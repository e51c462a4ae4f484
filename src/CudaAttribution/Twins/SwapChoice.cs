namespace CudaAttribution.Twins;

/// <summary>
/// Which prompts tell the source and its twins apart. Source and twins are treated alike: exchanging any two of the models changes no bit of the result.
/// </summary>
public static class SwapChoice
{
    /// <summary>
    /// Mean distance between pictures of different models over that between pictures of one model: how far the models disagree on a prompt, in units of
    /// their own spread.
    /// </summary>
    /// <param name="distances">Distances of all pictures of the prompt from each other, model by model.</param>
    /// <param name="draws">Pictures of each model, at least 2.</param>
    public static double Contrast(double[,] distances, int draws)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(draws, 2);
        var (between, within) = (new List<double>(), new List<double>());
        for (int i = 0; i < distances.GetLength(0); i++)
        {
            for (int j = i + 1; j < distances.GetLength(0); j++)
                (i / draws == j / draws ? within : between).Add((distances[i, j] + distances[j, i]) / 2);
        }
        double inside = Mean(within), outside = Mean(between);
        return outside == 0 ? 0 : outside / Math.Max(inside, double.Epsilon);
    }

    /// <summary>The prompts with the largest contrasts, largest first; of equal ones, the earlier first.</summary>
    public static int[] Sharpest(IReadOnlyList<double> contrasts, int count) =>
        [.. Enumerable.Range(0, contrasts.Count).OrderByDescending(i => contrasts[i]).Take(count)];

    // Sorted, so that the sum is the same in any order of the models.
    private static double Mean(List<double> values)
    {
        values.Sort();
        return values.Sum() / values.Count;
    }
}
