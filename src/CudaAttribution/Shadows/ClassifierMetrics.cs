using CudaAttribution.Statistics;

namespace CudaAttribution.Shadows;

/// <summary>A figure and its bootstrap interval over models.</summary>
public sealed record Estimate(double Value, ShareInterval Interval);

/// <summary>How well scores tell infringing from innocent test models (Zhang et al. 2024, Table 1).</summary>
/// <param name="Infringing">Positives.</param>
/// <param name="Innocent">Negatives.</param>
/// <param name="Accuracy">Share of the decisions at the threshold that are right.</param>
/// <param name="Auc">Area under the ROC curve.</param>
/// <param name="TprAtTenPercent">Share of the positives found at thresholds that at most a tenth of the negatives pass.</param>
public sealed record ClassifierMetrics(int Infringing, int Innocent, Estimate Accuracy, Estimate Auc, Estimate TprAtTenPercent)
{
    /// <param name="positives">Scores of infringing models.</param>
    /// <param name="negatives">Scores of innocent models.</param>
    /// <param name="threshold">The threshold that was fixed before.</param>
    /// <param name="seed">Seed of the bootstrap.</param>
    public static ClassifierMetrics Of(IReadOnlyList<double> positives, IReadOnlyList<double> negatives, double threshold, ulong seed)
    {
        return new(
            positives.Count, negatives.Count, Estimated(r => r.AccuracyAt(threshold)), Estimated(r => r.Auc()), Estimated(r => r.TruePositivesAt(0.1)));

        Estimate Estimated(Func<Roc, double> statistic) => new(
            statistic(new Roc(positives, negatives)),
            Bootstrap.Of(
                positives.Count, negatives.Count,
                (p, n) => statistic(new Roc([.. p.Select(i => positives[i])], [.. n.Select(i => negatives[i])])), seed));
    }
}
