namespace CudaAttribution.Runs.Units;

/// <summary>How a unit ended.</summary>
/// <param name="Unit">Its id.</param>
/// <param name="Ending">How.</param>
/// <param name="Reason">Why it has no result; empty where it has.</param>
/// <param name="Error">What was thrown, of a unit that failed in this process; else null.</param>
public sealed record UnitEnd(string Unit, UnitEnding Ending, string Reason = "", Exception? Error = null)
{
    /// <summary>How a unit ends without work, as far as its inputs have ended; null where it is to be computed.</summary>
    internal static UnitEnd? WithoutWork(
        UnitStore store, UnitGraph graph, WorkUnit unit, IReadOnlyDictionary<string, UnitEnd> ends, CancellationToken cancel)
    {
        if (store.IsFinished(unit.Id)) return new UnitEnd(unit.Id, UnitEnding.Found);
        if (graph.InputsOf(unit).Select(i => ends[i]).FirstOrDefault(e => !e.IsFinished) is { } cause)
            return cause.Ending == UnitEnding.Stopped
                ? new UnitEnd(unit.Id, UnitEnding.Stopped, cause.Reason)
                : new UnitEnd(unit.Id, UnitEnding.Skipped, $"it is made from {cause.Unit}, which has no result");
        return cancel.IsCancellationRequested ? Stopped(unit.Id) : null;
    }

    internal static UnitEnd Stopped(string unit) => new(unit, UnitEnding.Stopped, "the run was stopped");

    public bool IsFinished => Ending is UnitEnding.Found or UnitEnding.Computed;
}
