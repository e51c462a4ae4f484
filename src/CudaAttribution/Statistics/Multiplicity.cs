namespace CudaAttribution.Statistics;

/// <summary>Rules for several hypotheses at once.</summary>
public static class Multiplicity
{
    /// <summary>
    /// The e-BH procedure (Wang and Ramdas 2022): rejects the k hypotheses with the largest e-values for the largest k whose k-th e-value is at
    /// least m / (α·k). The false discovery rate is at most α however the e-values depend on each other.
    /// </summary>
    /// <returns>For each hypothesis, whether it is rejected.</returns>
    public static bool[] EBenjaminiHochberg(IReadOnlyList<double> eValues, double alpha)
    {
        double[] descending = [.. eValues.OrderDescending()];
        for (int k = descending.Length; k >= 1; k--)
        {
            if (descending[k - 1] >= eValues.Count / (alpha * k)) return [.. eValues.Select(e => e >= descending[k - 1])];
        }
        return new bool[eValues.Count];
    }

    /// <summary>
    /// Holm's procedure (1979): from the smallest p-value on, rejects while the k-th is at most α / (m − k + 1). The chance of any false rejection is at
    /// most α however the p-values depend on each other.
    /// </summary>
    /// <returns>For each hypothesis, whether it is rejected.</returns>
    public static bool[] Holm(IReadOnlyList<double> pValues, double alpha)
    {
        var rejected = new bool[pValues.Count];
        foreach (var (k, i) in Enumerable.Range(0, pValues.Count).OrderBy(i => pValues[i]).Index())
        {
            if (pValues[i] > alpha / (pValues.Count - k)) break;
            rejected[i] = true;
        }
        return rejected;
    }
}
