namespace CudaAttribution.Statistics;

/// <summary>
/// Beta-binomials that the hit counts of several models leave plausible (docs/method.md "Indications"): for each concentration a + b of a grid, even in
/// its logarithm, the mean of maximum likelihood; those are plausible whose log-likelihood is within <see cref="Drop"/> of the best of the grid.
/// For a fixed concentration the log-likelihood is concave in the mean, which therefore comes from bisection on the derivative. Deterministic.
/// </summary>
/// <remarks>
/// The concentration is kept within [<see cref="MinConcentration"/>, N]. The upper end says that at least half of the variance of a count is
/// put down to differences between models: a handful of references cannot show that hits of one model are independent, and an
/// unbounded fit of such counts degenerates to the plain binomial, whose tails are too small.
/// </remarks>
public static class BetaBinomialFit
{
    /// <summary>Correlation of .99 between the keys of one model: all or nothing.</summary>
    public const double MinConcentration = 0.01;

    /// <summary>Half the 95 % point of χ² with one degree of freedom.</summary>
    public const double Drop = 1.92;

    private const double MeanMargin = 1e-9;
    private const int GridPoints = 241;

    /// <summary>The plausible distributions, by rising concentration; never none.</summary>
    /// <param name="counts">Hits of each model, 0..trials; at least one.</param>
    /// <param name="trials">Keys per model, at least 1.</param>
    public static IReadOnlyList<BetaBinomial> Plausible(IReadOnlyList<int> counts, int trials)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        if (counts.Count == 0) throw new ArgumentException("a fit needs the count of at least one model", nameof(counts));
        foreach (int h in counts)
        {
            if (h < 0 || h > trials) throw new ArgumentOutOfRangeException(nameof(counts), h, $"a count of {trials} keys lies in 0..{trials}");
        }
        // Models with more than j hits, and with more than j misses: all that the likelihood takes of the counts.
        int[] hits = [.. Enumerable.Range(0, trials).Select(j => counts.Count(h => h > j))];
        int[] misses = [.. Enumerable.Range(0, trials).Select(j => counts.Count(h => trials - h > j))];
        var profile = Enumerable.Range(0, GridPoints).Select(Best).ToArray();
        double best = profile.Max(p => p.LogLikelihood);
        return [.. profile.Where(p => p.LogLikelihood >= best - Drop).Select(p => p.Law)];

        (BetaBinomial Law, double LogLikelihood) Best(int point)
        {
            double s = MinConcentration * Math.Pow(trials / MinConcentration, point / (GridPoints - 1.0));
            double low = MeanMargin, high = 1 - MeanMargin;
            for (int i = 0; i < 80 && high - low > 1e-15; i++)
            {
                double middle = low + (high - low) / 2;
                if (Slope(middle * s, (1 - middle) * s) > 0) low = middle;
                else high = middle;
            }
            var law = BetaBinomial.FromMean(trials, low + (high - low) / 2, s);
            return (law, LogLikelihood(law));
        }

        double Slope(double a, double b)
        {
            double sum = 0;
            for (int j = 0; j < trials; j++) sum += hits[j] / (a + j) - misses[j] / (b + j);
            return sum;
        }

        // Up to the binomial coefficients, which no parameter changes.
        double LogLikelihood(BetaBinomial d)
        {
            double sum = 0;
            for (int j = 0; j < trials; j++)
                sum += hits[j] * Math.Log(d.A + j) + misses[j] * Math.Log(d.B + j) - counts.Count * Math.Log(d.Concentration + j);
            return sum;
        }
    }
}
