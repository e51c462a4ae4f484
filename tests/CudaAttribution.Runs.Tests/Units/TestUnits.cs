using System.Diagnostics;
using System.Text.Json.Nodes;
using CudaAttribution.Runs.Units;

namespace CudaAttribution.Runs.Tests.Units;

/// <summary>Units, stores and workers of the tests.</summary>
internal static class TestUnits
{
    public static UnitKinds Kinds { get; } = new(new ChainKind(), new TroubleKind(), new CountKind());

    /// <summary>Hears nothing.</summary>
    public static IProgress<UnitProgress> Quiet { get; } = new Listener(_ => { });

    public static PlannedUnit Chain(int seed, params string[] inputs) => Chain(new ChainSettings { Seed = seed }, inputs);

    public static PlannedUnit Chain(ChainSettings settings, params string[] inputs) =>
        new("chain-1", UnitSettings.Write(settings, new ChainSettings()), inputs);

    public static PlannedUnit Trouble(string how, params string[] inputs) => new("trouble-1", new JsonObject { ["how"] = how }, inputs);

    public static UnitPlan Plan(Dictionary<string, PlannedUnit> units, params string[] results) => new() { Units = units, Results = results };

    /// <summary>This assembly as a worker.</summary>
    public static WorkerCommand Worker(UnitStore store) => new("dotnet", [typeof(TestUnits).Assembly.Location, "unit", WorkerCommand.Id, store.Root]);

    /// <summary>A plan of 40: 24 chains, twelve of two, three of four, one of three.</summary>
    public static UnitPlan Forty(ChainSettings settings)
    {
        var units = new Dictionary<string, PlannedUnit>();
        for (int i = 0; i < 24; i++) units[$"leaf-{i}"] = Chain(settings with { Seed = i });
        for (int i = 0; i < 12; i++) units[$"pair-{i}"] = Chain(settings, $"leaf-{2 * i}", $"leaf-{2 * i + 1}");
        for (int i = 0; i < 3; i++) units[$"four-{i}"] = Chain(settings, [.. Enumerable.Range(4 * i, 4).Select(p => $"pair-{p}")]);
        units["root"] = Chain(settings, "four-0", "four-1", "four-2");
        return Plan(units, "root");
    }

    /// <summary>Hashes of all result files of a graph, by unit and name.</summary>
    public static Dictionary<string, string> Results(UnitStore store, UnitGraph graph) => graph.Units
        .SelectMany(u => store.ManifestOf(u.Id).Outputs.Select(o => (Name: $"{u.Id}/{o.Key}", Hash: o.Value)))
        .ToDictionary(p => p.Name, p => p.Hash);

    public static void Kill(int process)
    {
        using var kill = Process.Start("kill", ["-9", $"{process}"]);
        kill.WaitForExit();
    }

    /// <summary>Hears at once and on the reporting thread, unlike <see cref="Progress{T}"/>.</summary>
    internal sealed class Listener(Action<UnitProgress> hear) : IProgress<UnitProgress>
    {
        public void Report(UnitProgress value)
        {
            lock (this) hear(value);
        }
    }
}
