namespace CudaAttribution.Statistics;

/// <summary>
/// The beta-binomial distribution: hits among <paramref name="Trials"/> keys when the hit rate itself varies from model to model as Beta(A, B).
/// </summary>
/// <param name="Trials">Number of keys N.</param>
/// <param name="A">Shape a0 &gt; 0.</param>
/// <param name="B">Shape b0 &gt; 0.</param>
public readonly record struct BetaBinomial(int Trials, double A, double B)
{
    /// <summary>By mean hit rate in (0, 1) and concentration a + b; two keys of one model are correlated with 1 / (concentration + 1).</summary>
    public static BetaBinomial FromMean(int trials, double mean, double concentration) =>
        new(trials, mean * concentration, (1 - mean) * concentration);

    /// <summary>Mean hit rate.</summary>
    public double Mean => A / (A + B);

    public double Concentration => A + B;

    /// <summary>Correlation of two keys' hits within one model.</summary>
    public double Correlation => 1 / (A + B + 1);

    public double Probability(int hits)
    {
        if (hits < 0 || hits > Trials) return 0;
        return Math.Exp(
            SpecialFunctions.LogChoose(Trials, hits) + SpecialFunctions.LogBeta(A + hits, B + Trials - hits) - SpecialFunctions.LogBeta(A, B));
    }

    /// <summary>P(H ≥ hits), summed from the far end so that small tails keep their digits.</summary>
    public double Survival(int hits)
    {
        if (hits <= 0) return 1;
        double sum = 0;
        for (int h = Trials; h >= hits; h--) sum += Probability(h);
        return Math.Min(1, sum);
    }
}
