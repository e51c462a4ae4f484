namespace CudaAttribution.Twins;

/// <summary>
/// Whether a suspect resembles the source more than it resembles the twins that could have been the source just as well (docs/method.md "Source swap").
/// Under the hypothesis that the suspect does not depend on which of the B + 1 models was deployed, they are exchangeable, and so are their scores.
/// </summary>
public sealed record SourceSwapTest
{
    /// <summary>A_j of each model, the source first: the mean over prompts of its likeness to the suspect's answers.</summary>
    public required IReadOnlyList<double> Scores { get; init; }

    /// <summary>Prompts that were compared.</summary>
    public required int Prompts { get; init; }

    /// <summary>Prompts whose likest model is the source, ties shared.</summary>
    public required double Nearest { get; init; }

    /// <summary>The same of the twin that has most.</summary>
    public required double NearestTwin { get; init; }

    /// <summary>(1 + twins with A_j ≥ A_0) / (B + 1).</summary>
    public required double PValue { get; init; }

    /// <summary>A_0 in standard deviations of the twins' A_j from their mean: a description, no p-value. Null with fewer than two twins.</summary>
    public required double? Deviations { get; init; }

    /// <summary>Runs the test.</summary>
    /// <param name="likeness">For each prompt the likeness of each model to the suspect's answers, the source first; larger is more alike.</param>
    public static SourceSwapTest Of(IReadOnlyList<IReadOnlyList<double>> likeness)
    {
        if (likeness.Count == 0) throw new ArgumentException("there is no prompt", nameof(likeness));
        int models = likeness[0].Count;
        if (models < 2) throw new ArgumentException("there is no twin", nameof(likeness));
        var (sums, nearest) = (new double[models], new double[models]);
        foreach (var prompt in likeness)
        {
            double most = prompt.Max();
            int equal = prompt.Count(l => l == most);
            for (int j = 0; j < models; j++)
            {
                sums[j] += prompt[j];
                if (prompt[j] == most) nearest[j] += 1.0 / equal;
            }
        }
        double[] scores = [.. sums.Select(s => s / likeness.Count)];
        double[] twins = scores[1..];
        return new SourceSwapTest
        {
            Scores = scores,
            Prompts = likeness.Count,
            Nearest = nearest[0],
            NearestTwin = nearest[1..].Max(),
            PValue = (1.0 + twins.Count(a => a >= scores[0])) / models,
            Deviations = twins.Length < 2 ? null : Deviation(scores[0], twins),
        };
    }

    private static double? Deviation(double score, double[] twins)
    {
        double mean = twins.Average(), variance = twins.Sum(a => (a - mean) * (a - mean)) / (twins.Length - 1);
        return variance > 0 ? (score - mean) / Math.Sqrt(variance) : null;
    }
}
