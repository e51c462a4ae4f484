using CudaAttribution.Images;
using CudaAttribution.Measures;

namespace CudaAttribution.Served;

/// <summary>
/// Which prompts are asked. Any rule that treats the K + 1 pictures of a prompt alike leaves the test exact; one that looks at the served picture apart
/// from the others would not. These functions are never told which one was served, and the order of the pictures changes no bit of their results.
/// </summary>
public static class TrialChoice
{
    /// <summary>Mean distance between two of a prompt's pictures. Where it is large, a copy is told from a neighbour.</summary>
    public static double Spread(IReadOnlyList<RgbImage> pictures, IPictureMeasure measure)
    {
        var prepared = measure.Prepare(pictures);
        double[,] between = measure.Matrix(prepared, prepared);
        var distances = new List<double>();
        for (int i = 0; i < pictures.Count; i++)
        {
            for (int j = i + 1; j < pictures.Count; j++) distances.Add((between[i, j] + between[j, i]) / 2);
        }
        // Sorted, so that the sum is the same in any order of the pictures.
        distances.Sort();
        return distances.Sum() / distances.Count;
    }

    /// <summary>
    /// Of each account the prompts with the largest spreads, largest first and of equal ones the earlier first; accounts take turns.
    /// </summary>
    /// <param name="accounts">The account of each prompt.</param>
    /// <param name="spreads">The spread of each prompt.</param>
    /// <param name="count">How many prompts of an account at most.</param>
    /// <returns>Numbers of the prompts, in the order in which they are asked.</returns>
    public static int[] Widest(IReadOnlyList<string?> accounts, IReadOnlyList<double> spreads, int count) =>
    [
        .. Enumerable.Range(0, spreads.Count).GroupBy(i => accounts[i])
            .SelectMany(own => own.OrderByDescending(i => spreads[i]).Take(count).Select((prompt, turn) => (prompt, turn)))
            .OrderBy(p => p.turn).Select(p => p.prompt),
    ];
}
