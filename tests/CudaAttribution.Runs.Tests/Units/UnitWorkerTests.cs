using CudaAttribution.Runs.Units;
using CudaAttribution.Tests;
using static CudaAttribution.Runs.Tests.Units.TestUnits;

namespace CudaAttribution.Runs.Tests.Units;

public sealed class UnitWorkerTests
{
    [Test]
    public void A_unit_is_computed_once_from_units_and_contents()
    {
        var (store, source) = (UnitStore.OpenOrCreate(TestFolder.New("store")), new RunFolder(TestFolder.New("source")));
        source.Write("salt", "salt");
        var graph = Plan(new() { ["a"] = Chain(1), ["b"] = Chain(2, "a", store.Import(source.Path("salt"))) }, "b").Resolve();
        store.Add(graph);
        var worker = new UnitWorker(store, Kinds);
        Assert.That(
            () => worker.Run(graph.Results[0], Quiet), Throws.TypeOf<UserException>().With.Message.Contains("not there yet"), "its input first");
        var outcomes = graph.Units.Concat(graph.Units).Select(u => worker.Run(u.Id, Quiet)).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcomes, Is.EqualTo([UnitOutcome.Computed, UnitOutcome.Computed, UnitOutcome.Found, UnitOutcome.Found]));
            Assert.That(store.ManifestOf(graph.Results[0]).Outputs.Keys, Is.EqualTo(["end", "links"]));
            Assert.That(store.Changed(graph.Results[0]), Is.Empty);
            Assert.That(store.StateOf(graph.Results[0]), Is.EqualTo(UnitState.Finished));
            Assert.That(
                Directory.EnumerateFileSystemEntries(store.FolderOf(graph.Results[0])).Select(Path.GetFileName), Is.EquivalentTo(["unit.json", "result"]));
        }
        File.AppendAllText(Path.Combine(store.ResultOf(graph.Results[0]), "end"), "!");
        File.WriteAllText(Path.Combine(store.ResultOf(graph.Results[0]), "more"), "");
        Assert.That(store.Changed(graph.Results[0]), Is.EqualTo(["end", "more"]));
    }

    [TestCase("user", "the disk is full. Make room.")]
    [TestCase("defect", "TroubleKind.Compute")]
    public void A_failure_is_noted_and_the_next_attempt_begins_anew(string how, string noted)
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        string id = Entered(store, Trouble(how));
        for (int attempt = 0; attempt < 2; attempt++)
        {
            Assert.That(() => new UnitWorker(store, Kinds).Run(id, Quiet), Throws.Exception);
            using (Assert.EnterMultipleScope())
            {
                Assert.That(store.StateOf(id), Is.EqualTo(UnitState.Failed));
                Assert.That(store.FailureOf(id)!.Reason, Does.Contain(noted));
                Assert.That(Directory.EnumerateDirectories(store.FolderOf(id)).ToArray(), Has.Length.EqualTo(1), "one folder of an attempt, no result");
            }
        }
    }

    [Test]
    public void A_kind_that_resumes_goes_on_and_one_that_was_killed_while_it_wrote_leaves_no_half_file()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        string id = Entered(store, new PlannedUnit("count-1"));
        Assert.That(() => new UnitWorker(store, new UnitKinds(new CountKind(breakAfter: 4))).Run(id, Quiet), Throws.TypeOf<UserException>());
        var second = new CountKind();
        new UnitWorker(store, new UnitKinds(second)).Run(id, Quiet);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(second.Written, Is.EqualTo(2));
            Assert.That(store.ManifestOf(id).Outputs.Keys, Is.EqualTo(["0", "1", "2", "3", "4", "5"]));
            Assert.That(store.FailureOf(id), Is.Null);
        }
    }

    [Test]
    public void A_worker_waits_for_the_one_that_has_the_unit_and_finds_its_result()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        string id = Entered(store, Chain(1));
        var waits = new TaskCompletionSource();
        var activities = new List<string>();
        var heard = new Listener(p =>
        {
            activities.Add(p.Activity);
            if (p.Activity.StartsWith("wait for process", StringComparison.Ordinal)) waits.TrySetResult();
        });
        Task<UnitOutcome> second;
        using (Claim.Lock(new RunFolder(store.FolderOf(id)), UnitStore.UnitFile))
        {
            second = Task.Run(() => new UnitWorker(store, Kinds).Run(id, heard));
            Assert.That(Task.WaitAny(waits.Task, second), Is.Zero, "it waits");
            // What the holder of the claim does.
            Directory.CreateDirectory(store.ResultOf(id));
            File.WriteAllText(Path.Combine(store.ResultOf(id), UnitManifest.FileName), "{}");
        }
        Assert.That(second.Result, Is.EqualTo(UnitOutcome.Found));
        Assert.That(activities, Does.Not.Contain("hash"));
    }

    [Test]
    public void A_cancelled_unit_is_interrupted_and_not_failed()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        string id = Entered(store, Trouble("endless"));
        using var cancel = new CancellationTokenSource();
        Assert.That(
            () => new UnitWorker(store, Kinds).Run(id, new Listener(_ => cancel.Cancel()), cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(store.StateOf(id), Is.EqualTo(UnitState.Interrupted));
    }

    [Test]
    public void A_worker_whose_unit_was_taken_over_publishes_nothing()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        string id = Entered(store, Chain(1));
        string lockFile = Path.Combine(store.FolderOf(id), ".unit.json.lock");
        var takeOver = new Listener(p =>
        {
            File.Delete(lockFile);
            File.WriteAllText(lockFile, $"node7\nelsewhere\n1\n{DateTimeOffset.UtcNow:O}\nnonce");
        });
        Assert.That(
            () => new UnitWorker(store, Kinds).Run(id, takeOver), Throws.TypeOf<UserException>().With.Message.Contains("taken this folder over"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(store.IsFinished(id), Is.False);
            Assert.That(store.FailureOf(id), Is.Null, "the unit is the other worker's");
            Assert.That(store.StateOf(id), Is.EqualTo(UnitState.Running));
        }
    }

    [Test]
    public void An_unknown_kind_and_settings_without_sense_are_refused()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        string unknown = Entered(store, new PlannedUnit("paint-1")), senseless = Entered(store, Chain(new ChainSettings { Links = 0 }));
        var worker = new UnitWorker(store, Kinds);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => worker.Run(unknown, Quiet), Throws.TypeOf<UserException>().With.Message.Contains("'paint-1'").And.Message.Contains("chain-1"));
            Assert.That(() => worker.Run(senseless, Quiet), Throws.TypeOf<UserException>().With.Message.Contains("a chain needs a link"));
            Assert.That(() => worker.Run(new string('0', WorkUnit.IdLength), Quiet), Throws.TypeOf<UserException>().With.Message.Contains("has no unit"));
        }
    }

    private static string Entered(UnitStore store, PlannedUnit unit)
    {
        var graph = Plan(new() { ["a"] = unit }, "a").Resolve();
        store.Add(graph);
        return graph.Results[0];
    }
}
