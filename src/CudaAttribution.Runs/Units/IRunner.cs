namespace CudaAttribution.Runs.Units;

/// <summary>Has the units of a graph computed.</summary>
public interface IRunner
{
    /// <summary>The activity of progress that counts the units that have ended; where the last one has no result, its details say why.</summary>
    const string Units = "units";

    /// <summary>The activity of progress that says that a unit which has no result is begun, of a runner that knows.</summary>
    const string Begin = "begin";

    /// <summary>
    /// Runs each unit that has no result yet once everything it is made from has one. A unit that fails takes those with it that are made from it;
    /// the others go on. When the task ends, by cancellation too, nothing that it started is left at work.
    /// </summary>
    /// <param name="graph">The units, which the store has.</param>
    /// <param name="progress">Told how far each unit is, and how many have ended.</param>
    /// <param name="cancel">Stops all work; units that are not finished are reported as stopped.</param>
    /// <returns>How each unit ended.</returns>
    Task<RunnerResult> RunAsync(UnitGraph graph, IProgress<UnitProgress> progress, CancellationToken cancel = default);
}
