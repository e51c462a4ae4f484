namespace CudaAttribution.Twins;

/// <summary>
/// Whether a suspect resembles the source more than it resembles the twins that could have been the source just as well (docs/method.md "Source swap").
/// Under the hypothesis that the suspect does not depend on which of the B + 1 models was deployed, they are exchangeable, and so are their scores.
/// </summary>
public sealed record SourceSwapTest
{
    /// <summary>A_j of each model, the source first: minus the mean rank of its distance from the suspect's answers among all models.</summary>
    public required IReadOnlyList<double> Scores { get; init; }

    /// <summary>Prompts that were compared.</summary>
    public required int Prompts { get; init; }

    /// <summary>Prompts whose nearest model is the source, ties shared.</summary>
    public required double Nearest { get; init; }

    /// <summary>The same of the twin that has most.</summary>
    public required double NearestTwin { get; init; }

    /// <summary>(1 + twins with A_j ≥ A_0) / (B + 1).</summary>
    public required double PValue { get; init; }

    /// <summary>A_0 in standard deviations of the twins' A_j from their mean: a description, no p-value. Null with fewer than two twins.</summary>
    public required double? Deviations { get; init; }

    /// <summary>Runs the test.</summary>
    /// <param name="distances">For each prompt the mean distance of the suspect's answers from each model's pictures, the source first.</param>
    public static SourceSwapTest Of(IReadOnlyList<IReadOnlyList<double>> distances)
    {
        if (distances.Count == 0) throw new ArgumentException("there is no prompt", nameof(distances));
        int models = distances[0].Count;
        if (models < 2) throw new ArgumentException("there is no twin", nameof(distances));
        var (ranks, nearest) = (new double[models], new double[models]);
        foreach (var prompt in distances)
        {
            double least = prompt.Min();
            int equal = prompt.Count(d => d == least);
            for (int j = 0; j < models; j++)
            {
                // Equal distances share their places.
                ranks[j] += prompt.Count(d => d < prompt[j]) + ((1 + prompt.Count(d => d == prompt[j])) / 2.0);
                if (prompt[j] == least) nearest[j] += 1.0 / equal;
            }
        }
        double[] scores = [.. ranks.Select(r => -r / distances.Count)];
        double[] twins = scores[1..];
        return new SourceSwapTest
        {
            Scores = scores,
            Prompts = distances.Count,
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
