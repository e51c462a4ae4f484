using System.Diagnostics;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tests;
using static CudaAttribution.Runs.Tests.Units.TestUnits;

namespace CudaAttribution.Runs.Tests.Units;

/// <summary>On a real Slurm of one machine and three nodes, which build/slurm-start.sh starts.</summary>
[Category("Slow")]
public sealed class SlurmRunnerTests
{
    private static readonly SlurmOptions Options = new() { Poll = TimeSpan.FromMilliseconds(500) };

    private string _folder = "";
    private bool _started;

    [OneTimeSetUp]
    public void StartSlurm()
    {
        _folder = Environment.GetEnvironmentVariable("SLURM_CONF") is { Length: > 0 } conf
            ? Path.GetDirectoryName(conf)!
            : Directory.CreateTempSubdirectory("cudattr-slurm-").FullName;
        if (Environment.GetEnvironmentVariable("SLURM_CONF") is { Length: > 0 }) return;
        var (code, output) = Run(Path.Combine(Repository.Root, "build/slurm-start.sh"), _folder);
        if (code != 0) Assert.Ignore($"there is no Slurm here: {output.Trim().Split('\n')[^1]}");
        _started = true;
        Environment.SetEnvironmentVariable("SLURM_CONF", Path.Combine(_folder, "slurm.conf"));
    }

    [OneTimeTearDown]
    public void StopSlurm()
    {
        if (!_started) return;
        Run(Path.Combine(Repository.Root, "build/slurm-stop.sh"), _folder);
        Environment.SetEnvironmentVariable("SLURM_CONF", null);
    }

    [Test]
    public async Task Forty_units_in_four_arrays_give_the_bits_of_one_process()
    {
        var graph = Forty(new ChainSettings()).Resolve();
        UnitStore calm = UnitStore.OpenOrCreate(TestFolder.New("calm")), store = UnitStore.OpenOrCreate(TestFolder.New("a store's folder"));
        calm.Add(graph);
        foreach (var unit in graph.Units) new UnitWorker(calm, Kinds).Run(unit.Id, Quiet);
        store.Add(graph);
        new UnitWorker(store, Kinds).Run(graph.Units[0].Id, Quiet);
        var told = new List<UnitProgress>();
        var result = await Runner(store).RunAsync(graph, new Listener(told.Add));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.IsComplete, string.Join('\n', result.Units.Where(u => !u.IsFinished)));
            Assert.That(result.Count(UnitEnding.Found), Is.EqualTo(1));
            Assert.That(result.Count(UnitEnding.Computed), Is.EqualTo(39));
            Assert.That(Results(store, graph), Is.EquivalentTo(Results(calm, graph)));
            Assert.That(told.Where(p => p.Activity == SlurmRunner.Submit).Select(p => p.Done), Is.EqualTo([1, 2, 3, 4]), "arrays");
            Assert.That(told[^1].Done, Is.EqualTo(40));
        }
    }

    [Test]
    public async Task A_unit_that_fails_takes_its_dependents_along_and_another_run_goes_on()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var graph = Plan(
            new() { ["bad"] = Trouble("user"), ["good"] = Chain(1), ["spoilt"] = Chain(2, "bad"), ["killed"] = Trouble("killed") }, "spoilt", "good", "killed").Resolve();
        store.Add(graph);
        for (int run = 0; run < 2; run++)
        {
            var result = await Runner(store).RunAsync(graph, Quiet);
            var ends = graph.Units.Zip(result.Units).ToDictionary(p => (p.First.Settings["how"] ?? p.First.Settings["seed"])!.ToString(), p => p.Second);
            using (Assert.EnterMultipleScope())
            {
                Assert.That(ends["user"].Ending, Is.EqualTo(UnitEnding.Failed));
                Assert.That(ends["user"].Reason, Is.EqualTo("the disk is full. Make room."));
                Assert.That(ends["1"].Ending, Is.EqualTo(run == 0 ? UnitEnding.Computed : UnitEnding.Found));
                Assert.That(ends["2"].Ending, Is.EqualTo(UnitEnding.Skipped));
                Assert.That(ends["killed"].Ending, Is.EqualTo(UnitEnding.Failed));
                Assert.That(ends["killed"].Reason, Does.Contain("without a word"));
            }
        }
    }

    [Test]
    public async Task Stopping_leaves_no_job_and_no_process()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var graph = Plan(new() { ["a"] = Trouble("endless"), ["b"] = Chain(1, "a") }, "b").Resolve();
        string id = graph.Units[0].Id;
        store.Add(graph);
        using var cancel = new CancellationTokenSource();
        int worker = 0;
        var heard = new Listener(_ =>
        {
            if (Claim.HolderOf(store.FolderOf(id), UnitStore.UnitFile) is not { } holder) return;
            worker = holder.ProcessId;
            cancel.Cancel();
        });
        var result = await Runner(store).RunAsync(graph, heard, cancel.Token);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Units.Select(u => u.Ending), Is.All.EqualTo(UnitEnding.Stopped));
            Assert.That(Run("squeue", "--noheader").Output, Is.Empty);
            Assert.That(worker, Is.Not.Zero);
            Assert.That(Directory.Exists($"/proc/{worker}"), Is.False);
        }
    }

    [Test]
    public async Task A_unit_whose_node_dies_is_computed_on_another()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var graph = Plan(new() { ["a"] = Chain(new ChainSettings { Links = 100, Rounds = 100_000 }) }, "a").Resolve();
        string id = graph.Results[0], log = Path.Combine(store.FolderOf(id), UnitStore.LogFile);
        store.Add(graph);
        string dead = "";
        var heard = new Listener(_ =>
        {
            if (dead.Length > 0 || Claim.HolderOf(store.FolderOf(id), UnitStore.UnitFile) is not { } holder) return;
            dead = Nodes(log).Single();
            int step = int.Parse(File.ReadAllText($"/proc/{holder.ProcessId}/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
            foreach (int process in new[] { int.Parse(File.ReadAllText(Path.Combine(_folder, $"slurmd-{dead}.pid"))), step, holder.ProcessId }) Kill(process);
        });
        try
        {
            var result = await Runner(store).RunAsync(graph, heard);
            using (Assert.EnterMultipleScope())
            {
                Assert.That(result.Units.Single().Ending, Is.EqualTo(UnitEnding.Computed), result.Units.Single().Reason);
                Assert.That(Nodes(log), Has.Length.EqualTo(2));
                Assert.That(Nodes(log)[1], Is.Not.EqualTo(dead));
            }
        }
        finally
        {
            Run("slurmd", "-N", dead, "-f", Path.Combine(_folder, "slurm.conf"));
        }
    }

    [Test]
    public void What_Slurm_refuses_is_said_and_leaves_no_job()
    {
        var store = UnitStore.OpenOrCreate(TestFolder.New("store"));
        var graph = Plan(new() { ["a"] = Chain(1) }, "a").Resolve();
        store.Add(graph);
        var runner = new SlurmRunner(store, Worker(store), Options with { Arguments = ["--partition=nowhere"] });
        Assert.That(() => runner.RunAsync(graph, Quiet), Throws.TypeOf<UserException>().With.Message.Contains("invalid partition"));
        Assert.That(Run("squeue", "--noheader").Output, Is.Empty);
    }

    private static SlurmRunner Runner(UnitStore store) => new(store, Worker(store), Options);

    private static string[] Nodes(string log) =>
        [.. File.ReadLines(log).Where(l => l.StartsWith("--- ", StringComparison.Ordinal)).Select(l => l.Split(", ")[1])];

    private static (int Code, string Output) Run(string program, params string[] arguments)
    {
        // Daemons would keep a pipe open for ever: what they are started with goes through a file.
        string said = Path.GetTempFileName();
        using var process = Process.Start("/bin/sh", ["-c", "exec \"$@\" </dev/null >\"$0\" 2>&1", said, program, .. arguments]);
        process.WaitForExit();
        string output = File.ReadAllText(said);
        File.Delete(said);
        return (process.ExitCode, output);
    }
}
