namespace CudaAttribution.Runs.Units;

/// <summary>How the units of a graph ended, in the graph's order.</summary>
public sealed record RunnerResult(IReadOnlyList<UnitEnd> Units)
{
    /// <summary>Whether every unit has its result.</summary>
    public bool IsComplete => Units.All(u => u.IsFinished);

    public int Count(UnitEnding ending) => Units.Count(u => u.Ending == ending);
}
