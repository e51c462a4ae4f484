namespace CudaAttribution.Models.Benchmark;

/// <summary>Launches and time of one kernel in one step.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="Launches">Launches in a step.</param>
/// <param name="Ms">Milliseconds of a step, from the profiled steps.</param>
public sealed record KernelCost(string Kernel, long Launches, double Ms);

/// <summary>
/// Time of one kind of step, in milliseconds between events on the device's stream. Steps follow each other without waiting, as in the product.
/// </summary>
/// <param name="MedianMs">Median of the steps as they are issued, the copies from the host that a step needs included.</param>
/// <param name="MinMs">The fastest.</param>
/// <param name="P90Ms">Nine of ten are not slower.</param>
/// <param name="Count">Steps timed, warm-up left out; as many replays.</param>
/// <param name="ReplayMs">
/// Median of replays of one step that was recorded as a graph, without the copies from the host: what is left when the host's part of launching is
/// gone. Null where it could not be recorded.
/// </param>
/// <param name="ReplayMinMs">The fastest replay.</param>
/// <param name="ReplayProblem">Why there is no replay; null where there is one.</param>
/// <param name="Launches">Launches of the project's kernels in a step.</param>
/// <param name="Kernels">Every kernel, the most expensive first; from separate steps under <see cref="Tensors.LaunchProfile"/>.</param>
/// <param name="Shares">Share of the kernels' time by family, the largest first.</param>
/// <param name="PeakBytes">Most device memory that the pool reserved while it was timed, the weights included.</param>
public sealed record ModelTiming(
    double MedianMs, double MinMs, double P90Ms, int Count, double? ReplayMs, double? ReplayMinMs, string? ReplayProblem, long Launches,
    IReadOnlyList<KernelCost> Kernels, IReadOnlyList<KeyValuePair<string, double>> Shares, long PeakBytes);

/// <summary>How often a step is run.</summary>
/// <param name="Steps">Timed steps, and timed replays.</param>
/// <param name="Warmup">Steps before them, and (at least one) steps under the profile after them.</param>
public sealed record BenchRepeats(int Steps, int Warmup)
{
    /// <summary>Steps under the profile.</summary>
    internal int Profiled => Math.Max(1, Warmup);

    /// <summary>Steps that are issued in all, the recorded one included.</summary>
    internal int Issued => Warmup + Steps + Profiled + 1;

    /// <exception cref="ArgumentException">There is no step, or a negative number of them.</exception>
    internal void Validate()
    {
        if (Steps < 1) throw new ArgumentException($"at least one step is timed, not {Steps}");
        if (Warmup < 0) throw new ArgumentException($"the steps before the timed ones cannot be {Warmup}");
    }
}
