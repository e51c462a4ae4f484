namespace CudaAttribution.Runs.Units;

/// <summary>The kinds that a program can compute, by name.</summary>
public sealed class UnitKinds(params IEnumerable<IUnitKind> kinds)
{
    private readonly Dictionary<string, IUnitKind> _kinds = kinds.ToDictionary(k => k.Name, StringComparer.Ordinal);

    /// <summary>Names, sorted.</summary>
    public IEnumerable<string> Names => _kinds.Keys.Order(StringComparer.Ordinal);

    /// <summary>The kind of a unit, which has nothing against the unit's settings.</summary>
    /// <exception cref="UserException">This program has no such kind, or the settings make no sense to it.</exception>
    public IUnitKind Of(WorkUnit unit)
    {
        if (!_kinds.TryGetValue(unit.Kind, out var kind))
            throw new UserException($"no kind of unit is called '{unit.Kind}'", $"This program computes: {string.Join(", ", Names)}.", unit.Id);
        kind.Check(unit);
        return kind;
    }
}
