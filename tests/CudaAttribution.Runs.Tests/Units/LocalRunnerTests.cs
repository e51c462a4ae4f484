using CudaAttribution.Runs.Units;
using CudaAttribution.Tests;
using static CudaAttribution.Runs.Tests.Units.TestUnits;

namespace CudaAttribution.Runs.Tests.Units;

public sealed class LocalRunnerTests
{
    [Test]
    public async Task Units_that_fail_take_their_dependents_along_and_no_others()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var graph = Plan(
            new()
            {
                ["user"] = Trouble("user"), ["defect"] = Trouble("defect"), ["silent"] = Trouble("silent"), ["killed"] = Trouble("killed"),
                ["good"] = Chain(1), ["better"] = Chain(2, "good"), ["spoilt"] = Chain(3, "good", "user"), ["more"] = Chain(4, "spoilt"),
            },
            "defect", "silent", "killed", "better", "more").Resolve();
        store.Add(graph);
        var result = await new LocalRunner(store, Worker(store), jobs: 2).RunAsync(graph, Quiet);
        var ends = graph.Units.Zip(result.Units).ToDictionary(p => Name(p.First), p => p.Second);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.IsComplete, Is.False);
            Assert.That(ends["user"], Is.EqualTo(End("user", UnitEnding.Failed, "the disk is full. Make room.")));
            Assert.That(ends["defect"].Reason, Does.Contain("this is a defect"));
            Assert.That(ends["silent"].Reason, Does.Contain("code 7"));
            Assert.That(ends["killed"].Reason, Does.Contain("signal 9"));
            Assert.That(ends["1"].Ending, Is.EqualTo(UnitEnding.Computed));
            Assert.That(ends["2"].Ending, Is.EqualTo(UnitEnding.Computed));
            Assert.That(ends["3"], Is.EqualTo(End("3", UnitEnding.Skipped, $"it is made from {ends["user"].Unit}, which has no result")));
            Assert.That(ends["4"].Ending, Is.EqualTo(UnitEnding.Skipped));
            Assert.That(File.ReadAllText(Path.Combine(store.FolderOf(ends["user"].Unit), UnitStore.LogFile)), Does.Contain("the disk is full"));
        }

        static string Name(WorkUnit unit) => (unit.Settings["how"] ?? unit.Settings["seed"])!.ToString();
        UnitEnd End(string name, UnitEnding ending, string reason) => new(ends[name].Unit, ending, reason);
    }

    [Test]
    public async Task What_is_there_is_not_computed_again_by_another_plan_either()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var first = Plan(new() { ["a"] = Chain(1), ["b"] = Chain(2, "a") }, "b").Resolve();
        var second = Plan(new() { ["x"] = Chain(1), ["y"] = Chain(3, "x") }, "y").Resolve();
        var runner = new LocalRunner(store, Worker(store), jobs: 2);
        store.Add(first);
        store.Add(second);
        var told = new List<UnitProgress>();
        await runner.RunAsync(first, Quiet);
        var result = await runner.RunAsync(second, new Listener(told.Add));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Units.Select(u => u.Ending), Is.EqualTo([UnitEnding.Found, UnitEnding.Computed]));
            Assert.That(told.Where(p => p.Activity == IRunner.Units).Select(p => (p.Done, p.Total)), Is.EqualTo([(1L, 2L), (2L, 2L)]));
            Assert.That(told.Where(p => p.Activity == "hash").Select(p => p.Unit).Distinct(), Is.EqualTo(second.Results));
        }
    }

    [Test]
    public async Task No_more_workers_than_asked_for_are_at_work()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var graph = Plan(Enumerable.Range(0, 6).ToDictionary(i => $"{i}", i => Chain(i)), "0", "1", "2", "3", "4", "5").Resolve();
        store.Add(graph);
        int most = 0;
        var heard = new Listener(_ => most = Math.Max(most, graph.Units.Count(u => store.StateOf(u.Id) == UnitState.Running)));
        await new LocalRunner(store, Worker(store), jobs: 2).RunAsync(graph, heard);
        Assert.That(most, Is.InRange(1, 2));
    }

    [TestCase("endless")]
    [TestCase("deaf")]
    public async Task Stopping_ends_all_workers(string how)
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var graph = Plan(
            new() { ["a"] = Trouble(how), ["b"] = Trouble("endless", store.Import(typeof(LocalRunnerTests).Assembly.Location)), ["c"] = Chain(1, "a", "b") },
            "c").Resolve();
        store.Add(graph);
        using var cancel = new CancellationTokenSource();
        var workers = new Dictionary<string, int>();
        var heard = new Listener(p =>
        {
            if (p.Activity == IRunner.Units) return;
            workers[p.Unit] = Claim.HolderOf(store.FolderOf(p.Unit), UnitStore.UnitFile)!.ProcessId;
            if (workers.Count == 2) cancel.Cancel();
        });
        var result = await new LocalRunner(store, Worker(store), jobs: 2) { Grace = TimeSpan.FromSeconds(2) }.RunAsync(graph, heard, cancel.Token);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Units.Select(u => u.Ending), Is.All.EqualTo(UnitEnding.Stopped));
            Assert.That(workers.Values.Where(p => Directory.Exists($"/proc/{p}")), Is.Empty);
            Assert.That(graph.Units.Select(u => store.StateOf(u.Id)), Is.EqualTo([UnitState.Interrupted, UnitState.Interrupted, UnitState.Planned]));
        }
    }

    [Test]
    public void A_worker_whose_runner_is_gone_stops()
    {
        using var output = new WorkerOutput(new Deaf(), TimeSpan.Zero);
        Assert.That(output.Unread.IsCancellationRequested, Is.False);
        output.Report(new UnitProgress("a", "hash", 0, 2));
        Assert.That(output.Unread.IsCancellationRequested);
    }

    [Test]
    public void A_line_that_is_none_is_passed_over()
    {
        var line = new WorkerLine(new UnitProgress("a", "hash", 1, 2, "loss 0.5", TimeSpan.FromSeconds(3)));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(line.Write(), Does.Not.Contain("\n"));
            Assert.That(WorkerLine.TryParse(line.Write()), Is.EqualTo(line));
            Assert.That(WorkerLine.TryParse("{\"progress\":"), Is.Null);
            Assert.That(WorkerLine.TryParse("a library says something"), Is.Null);
        }
    }

    private sealed class Deaf : StringWriter
    {
        public override void WriteLine(string? value) => throw new IOException("Broken pipe");
    }
}
