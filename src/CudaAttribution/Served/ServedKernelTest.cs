using CudaAttribution.Tensors;

namespace CudaAttribution.Served;

/// <summary>
/// Whether a model's answers, all together, lie nearer to the served pictures, all together, than to the fresh ones: for models that were distilled, in
/// which single pictures may vanish and their distribution stays. An energy distance with the same hypothesis and exchangeability as the ranks.
/// </summary>
public sealed record ServedKernelTest
{
    /// <summary>Mean over trials of: mean distance of all answers from the fresh pictures, minus that from the served one.</summary>
    public required double Statistic { get; init; }

    /// <summary>(1 + relabellings with at least this statistic) / (1 + relabellings).</summary>
    public required double PValue { get; init; }

    /// <summary>How many times each trial's served picture was drawn anew among its pictures.</summary>
    public required int Relabellings { get; init; }

    /// <summary>Runs the test.</summary>
    /// <param name="distances">For each trial, the mean distance of all answers from each of its pictures.</param>
    /// <param name="served">Which picture of each trial was served.</param>
    /// <param name="seed">Seed of the relabellings.</param>
    /// <param name="relabellings">How many; p cannot be smaller than 1 / (1 + relabellings).</param>
    public static ServedKernelTest Of(
        IReadOnlyList<IReadOnlyList<double>> distances, IReadOnlyList<int> served, ulong seed, int relabellings = 9999)
    {
        if (distances.Count == 0 || distances.Count != served.Count) throw new ArgumentException("each trial has one served picture", nameof(served));
        // A sum over trials of what each choice of the served picture contributes; the same numbers for truth and relabellings.
        double[][] gains = [.. distances.Select(d => d.Select(own => (d.Sum() - own) / (d.Count - 1) - own).ToArray())];
        double statistic = 0;
        for (int i = 0; i < gains.Length; i++) statistic += gains[i][served[i]];
        var coin = new PhiloxSequence(seed, Philox.Stream("served.relabel"));
        int atLeast = 0;
        for (int r = 0; r < relabellings; r++)
        {
            double sum = 0;
            for (int i = 0; i < gains.Length; i++) sum += gains[i][coin.Next(gains[i].Length)];
            if (sum >= statistic) atLeast++;
        }
        return new() { Statistic = statistic / gains.Length, PValue = (1.0 + atLeast) / (1 + relabellings), Relabellings = relabellings };
    }
}
