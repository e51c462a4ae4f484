namespace CudaAttribution.Runs.Units;

/// <summary>Work declared as data: units by name, what each is made from, and which of them are the results.</summary>
public sealed record UnitPlan
{
    public const string CurrentSchema = "cudattr-plan-1";

    public string Schema { get; init; } = CurrentSchema;

    public required IReadOnlyDictionary<string, PlannedUnit> Units { get; init; }

    /// <summary>Names of the units that the work is done for.</summary>
    public required IReadOnlyList<string> Results { get; init; }

    /// <summary>Reads a plan.</summary>
    /// <exception cref="UserException">The file is none.</exception>
    public static UnitPlan Load(string file)
    {
        var plan = Json.Read<UnitPlan>(file, "plan of units");
        Json.CheckSchema(plan.Schema, CurrentSchema, file);
        return plan;
    }

    /// <summary>The units with their ids, each after those it is made from.</summary>
    /// <exception cref="UserException">
    /// Units stand on one another, an input or a result is not there, a unit leads to no result, or a name could be an id.
    /// </exception>
    public UnitGraph Resolve()
    {
        foreach (string name in Units.Keys.Where(WorkUnit.IsId)) throw Wrong($"the name '{name}' could be an id", "Name the unit otherwise.");
        foreach (var (name, unit) in Units)
        {
            foreach (string input in Inputs(unit).Where(i => !Units.ContainsKey(i) && !WorkUnit.IsId(i)))
                throw Wrong($"unit '{name}' is made from '{input}', which is no unit of the plan and no id", "Add it, or correct the name.");
        }
        foreach (string name in Results.Where(r => !Units.ContainsKey(r)))
            throw Wrong($"the result '{name}' is no unit of the plan", "Add it, or correct the name.");
        RefuseUseless();

        var units = new Dictionary<string, WorkUnit>(StringComparer.Ordinal);
        var graph = new List<WorkUnit>();
        foreach (string name in Order())
        {
            var planned = Units[name];
            var unit = new WorkUnit(planned.Kind, planned.Settings ?? [], [.. Inputs(planned).Select(i => units.TryGetValue(i, out var u) ? u.Id : i)]);
            units.Add(name, unit);
            graph.Add(unit);
        }
        return new UnitGraph(graph, [.. Results.Select(r => units[r].Id)]);
    }

    private static IReadOnlyList<string> Inputs(PlannedUnit unit) => unit.Inputs ?? [];

    // Kahn 1962: a unit is ready when everything it is made from has been put out; what never gets ready stands on a cycle.
    private List<string> Order()
    {
        var order = new List<string>();
        var waits = Units.ToDictionary(u => u.Key, u => Inputs(u.Value).Count(Units.ContainsKey), StringComparer.Ordinal);
        var dependents = Units.SelectMany(u => Inputs(u.Value).Select(i => (Input: i, Unit: u.Key))).ToLookup(p => p.Input, p => p.Unit);
        var ready = new Queue<string>(Units.Keys.Where(n => waits[n] == 0));
        while (ready.TryDequeue(out string? name))
        {
            order.Add(name);
            foreach (string dependent in dependents[name])
                if (--waits[dependent] == 0) ready.Enqueue(dependent);
        }
        if (order.Count < Units.Count) throw Wrong($"units stand on one another: {Cycle(order)}", "Break the circle.");
        return order;
    }

    private string Cycle(List<string> ordered)
    {
        var stuck = Units.Keys.Except(ordered).ToHashSet();
        var path = new List<string> { stuck.First() };
        // Each that is stuck waits for another that is: going on must come back.
        while (true)
        {
            string next = Inputs(Units[path[^1]]).First(stuck.Contains);
            int seen = path.IndexOf(next);
            path.Add(next);
            if (seen >= 0) return string.Join(" <- ", path[seen..]);
        }
    }

    private void RefuseUseless()
    {
        var useful = new HashSet<string>(StringComparer.Ordinal);
        var open = new Stack<string>(Results);
        while (open.TryPop(out string? name))
        {
            if (!useful.Add(name)) continue;
            foreach (string input in Inputs(Units[name]).Where(Units.ContainsKey)) open.Push(input);
        }
        if (Units.Keys.FirstOrDefault(n => !useful.Contains(n)) is { } useless)
            throw Wrong($"unit '{useless}' leads to no result", "Make it a result, or leave it out.");
    }

    private static UserException Wrong(string problem, string remedy) => new($"the plan is wrong: {problem}", remedy);
}
