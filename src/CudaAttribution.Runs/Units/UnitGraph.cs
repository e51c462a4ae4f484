namespace CudaAttribution.Runs.Units;

/// <summary>Units to compute.</summary>
public sealed class UnitGraph
{
    private readonly HashSet<string> _ids;

    /// <param name="units">Each after those it is made from; one that comes twice counts once.</param>
    /// <param name="results">Ids of those that the work is done for.</param>
    public UnitGraph(IEnumerable<WorkUnit> units, IReadOnlyList<string> results)
    {
        Units = [.. units.DistinctBy(u => u.Id)];
        Results = [.. results.Distinct()];
        _ids = [.. Units.Select(u => u.Id)];
    }

    /// <summary>Each after those it is made from.</summary>
    public IReadOnlyList<WorkUnit> Units { get; }

    public IReadOnlyList<string> Results { get; }

    public bool Contains(string id) => _ids.Contains(id);

    /// <summary>The units of this graph that a unit is made from.</summary>
    public IEnumerable<string> InputsOf(WorkUnit unit) => unit.Inputs.Where(Contains).Distinct();

    /// <summary>The units of this graph that are made from one, by its id.</summary>
    public ILookup<string, WorkUnit> Dependents() =>
        Units.SelectMany(u => InputsOf(u).Select(i => (Input: i, Unit: u))).ToLookup(p => p.Input, p => p.Unit);
}
