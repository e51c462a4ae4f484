using CudaAttribution.Runs.Units;
using CudaAttribution.Tests;
using static CudaAttribution.Runs.Tests.Units.TestUnits;

namespace CudaAttribution.Runs.Tests.Units;

public sealed class InProcessRunnerTests
{
    [Test]
    public async Task Units_are_computed_once_in_their_order()
    {
        var (store, graph) = Store(new() { ["b"] = Chain(2, "a"), ["a"] = Chain(1), ["c"] = Chain(3, "a", "b") }, "c");
        var (first, second) = (new List<UnitProgress>(), new List<UnitProgress>());
        var runner = new InProcessRunner(store, Kinds);
        var result = await runner.RunAsync(graph, new Listener(first.Add));
        var again = await runner.RunAsync(graph, new Listener(second.Add));
        var other = Store(new() { ["b"] = Chain(2, "a"), ["a"] = Chain(1), ["c"] = Chain(3, "a", "b") }, "c");
        await new LocalRunner(other.Store, Worker(other.Store), jobs: 2).RunAsync(other.Graph, Quiet);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Units.Select(u => u.Ending), Is.All.EqualTo(UnitEnding.Computed));
            Assert.That(first.Where(p => p.Activity == IRunner.Begin).Select(p => p.Unit), Is.EqualTo(graph.Units.Select(u => u.Id)));
            Assert.That(again.Units.Select(u => u.Ending), Is.All.EqualTo(UnitEnding.Found));
            Assert.That(second.Select(p => (p.Activity, p.Done)), Is.EqualTo([(IRunner.Units, 1L), (IRunner.Units, 2L), (IRunner.Units, 3L)]));
            Assert.That(Results(store, graph), Is.EqualTo(Results(other.Store, other.Graph)), "the bits of workers in processes of their own");
        }
    }

    [Test]
    public async Task A_failure_is_kept_as_it_was_thrown_and_takes_its_dependents_along()
    {
        var (store, graph) = Store(
            new() { ["bad"] = Trouble("defect"), ["good"] = Chain(1), ["spoilt"] = Chain(2, "good", "bad") }, "spoilt");
        var result = await new InProcessRunner(store, Kinds).RunAsync(graph, Quiet);
        var ends = graph.Units.Zip(result.Units).ToDictionary(p => (p.First.Settings["how"] ?? p.First.Settings["seed"])!.ToString(), p => p.Second);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(ends["defect"].Ending, Is.EqualTo(UnitEnding.Failed));
            Assert.That(ends["defect"].Error, Is.TypeOf<InvalidOperationException>().With.Message.EqualTo("this is a defect"));
            Assert.That(store.FailureOf(ends["defect"].Unit)!.Reason, Does.Contain(nameof(TroubleKind)), "with its stack");
            Assert.That(ends["1"].Ending, Is.EqualTo(UnitEnding.Computed));
            Assert.That(ends["2"].Ending, Is.EqualTo(UnitEnding.Skipped));
        }
    }

    [Test]
    public async Task A_stop_leaves_what_is_finished_and_begins_nothing_more()
    {
        var (store, graph) = Store(new() { ["a"] = Chain(1), ["b"] = Trouble("endless"), ["c"] = Chain(2), ["d"] = Chain(3, "b") }, "a", "c", "d");
        using var stop = new CancellationTokenSource();
        var told = new List<UnitProgress>();
        var result = await new InProcessRunner(store, Kinds).RunAsync(graph, new Listener(Hear), stop.Token);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                result.Units.Select(u => u.Ending),
                Is.EqualTo([UnitEnding.Computed, UnitEnding.Stopped, UnitEnding.Stopped, UnitEnding.Stopped]));
            Assert.That(told.Where(p => p.Activity == IRunner.Begin).Select(p => p.Unit), Is.EqualTo(graph.Units.Take(2).Select(u => u.Id)));
        }

        void Hear(UnitProgress p)
        {
            told.Add(p);
            if (p.Activity == "endless") stop.Cancel();
        }
    }

    private static (UnitStore Store, UnitGraph Graph) Store(Dictionary<string, PlannedUnit> units, params string[] results)
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New($"store-{Guid.NewGuid():N}"));
        var graph = Plan(units, results).Resolve();
        store.Add(graph);
        return (store, graph);
    }
}
