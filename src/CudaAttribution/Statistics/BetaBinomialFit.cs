namespace CudaAttribution.Statistics;

/// <summary>
/// Maximum likelihood of a beta-binomial from the hit counts of several models (docs/method.md "Tests"). For a fixed concentration the
/// log-likelihood is concave in the mean, so the mean comes from bisection on its derivative; the profile over the log of the
/// concentration is searched on a grid and refined by golden section. Deterministic, no starting value.
/// </summary>
/// <remarks>
/// The concentration is kept within [<see cref="MinConcentration"/>, N]. The upper end says that at least half of the variance of a count is
/// put down to differences between models: a handful of references cannot show that hits of one model are independent, and an
/// unbounded fit of such counts degenerates to the plain binomial, whose p-values are too small.
/// </remarks>
public static class BetaBinomialFit
{
    /// <summary>Correlation of .99 between the keys of one model: all or nothing.</summary>
    public const double MinConcentration = 0.01;

    private const double MeanMargin = 1e-9;
    private const int GridPoints = 241;

    /// <summary>Fits the counts as they stand.</summary>
    /// <param name="counts">Hits of each model, 0..trials; at least one.</param>
    /// <param name="trials">Keys per model, at least 1.</param>
    public static BetaBinomial Fit(IReadOnlyList<int> counts, int trials)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(trials, 1);
        if (counts.Count == 0) throw new ArgumentException("a fit needs the count of at least one model", nameof(counts));
        foreach (int h in counts)
        {
            if (h < 0 || h > trials) throw new ArgumentOutOfRangeException(nameof(counts), h, $"a count of {trials} keys lies in 0..{trials}");
        }

        double low = Math.Log(MinConcentration), step = (Math.Log(trials) - low) / (GridPoints - 1);
        int best = 0;
        double bestValue = double.NegativeInfinity;
        for (int i = 0; i < GridPoints; i++)
        {
            double value = Profile(low + i * step);
            if (value > bestValue) (best, bestValue) = (i, value);
        }
        double concentration = Math.Exp(GoldenSection(Profile, low + Math.Max(0, best - 1) * step, low + Math.Min(GridPoints - 1, best + 1) * step));
        return BetaBinomial.FromMean(trials, BestMean(counts, trials, concentration), concentration);

        double Profile(double logConcentration)
        {
            double s = Math.Exp(logConcentration);
            return LogLikelihood(counts, BetaBinomial.FromMean(trials, BestMean(counts, trials, s), s));
        }
    }

    /// <summary>
    /// Fits with a pseudo-model added: one more model with the largest hit count seen, and at least one hit, so that references
    /// without any hit do not turn a suspect's first hit into proof.
    /// </summary>
    public static BetaBinomial FitInnocents(IReadOnlyList<int> counts, int trials) => Fit([.. counts, Math.Max(1, counts.Max())], trials);

    /// <summary>Sum of log-probabilities up to the binomial coefficients, which no parameter changes.</summary>
    public static double LogLikelihood(IReadOnlyList<int> counts, in BetaBinomial d)
    {
        double a = d.A, b = d.B, s = a + b, sum = 0;
        foreach (int h in counts)
        {
            for (int j = 0; j < h; j++) sum += Math.Log(a + j);
            for (int j = 0; j < d.Trials - h; j++) sum += Math.Log(b + j);
            for (int j = 0; j < d.Trials; j++) sum -= Math.Log(s + j);
        }
        return sum;
    }

    private static double BestMean(IReadOnlyList<int> counts, int trials, double s)
    {
        double low = MeanMargin, high = 1 - MeanMargin;
        for (int i = 0; i < 80 && high - low > 1e-15; i++)
        {
            double middle = low + (high - low) / 2;
            if (Slope(middle) > 0) low = middle;
            else high = middle;
        }
        return low + (high - low) / 2;

        double Slope(double mean)
        {
            double sum = 0;
            foreach (int h in counts)
            {
                for (int j = 0; j < h; j++) sum += 1 / (mean * s + j);
                for (int j = 0; j < trials - h; j++) sum -= 1 / ((1 - mean) * s + j);
            }
            return sum;
        }
    }

    private static double GoldenSection(Func<double, double> f, double low, double high)
    {
        double ratio = (Math.Sqrt(5) - 1) / 2, left = high - ratio * (high - low), right = low + ratio * (high - low);
        double fLeft = f(left), fRight = f(right);
        for (int i = 0; i < 60; i++)
        {
            if (fLeft < fRight)
            {
                (low, left, fLeft) = (left, right, fRight);
                right = low + ratio * (high - low);
                fRight = f(right);
            }
            else
            {
                (high, right, fRight) = (right, left, fLeft);
                left = high - ratio * (high - low);
                fLeft = f(left);
            }
        }
        double middle = low + (high - low) / 2, end = f(high) > f(low) ? high : low;
        return f(end) > f(middle) ? end : middle;
    }
}
