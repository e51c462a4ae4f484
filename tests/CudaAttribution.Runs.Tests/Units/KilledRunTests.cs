using System.Diagnostics;
using CudaAttribution.Runs.Units;
using CudaAttribution.Tests;
using static CudaAttribution.Runs.Tests.Units.TestUnits;

namespace CudaAttribution.Runs.Tests.Units;

/// <summary>Forty units, two runners on one store, ten kills: what is left is what an undisturbed run leaves.</summary>
public sealed class KilledRunTests
{
    private const int Kills = 10;

    private static readonly ChainSettings Settings = new() { Links = 20, Rounds = 20_000 };

    [TestCase(1)]
    [TestCase(2, Category = "Slow")]
    [TestCase(3, Category = "Slow")]
    public async Task Ten_kills_and_a_race_change_no_bit_and_nothing_is_computed_twice(int seed)
    {
        var folder = new RunFolder(TestFolder.New("killed"));
        var plan = Forty(Settings);
        var graph = plan.Resolve();
        folder.WriteJson("plan.json", plan);

        var calm = UnitStore.OpenOrCreate(folder.Path("calm"));
        calm.Add(graph);
        foreach (var unit in graph.Units) new UnitWorker(calm, Kinds).Run(unit.Id, Quiet);

        var store = UnitStore.OpenOrCreate(folder.Path("store"));
        string log = folder.Folder("computations").Root;
        var killer = new Killer(store, new Random(seed));
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() => RunToTheEnd(folder.Path("plan.json"), store.Root, log, killer))));

        string[][] computations = [.. Directory.EnumerateFiles(log).Select(f => Path.GetFileName(f).Split('.'))];
        var finished = computations.Where(c => c[2] == "end").ToLookup(c => c[0], c => int.Parse(c[1]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(killer.Victims + killer.Runners, Is.EqualTo(Kills));
            Assert.That(Results(store, graph), Is.EquivalentTo(Results(calm, graph)), "the same bits");
            Assert.That(graph.Units.SelectMany(u => store.Changed(u.Id)), Is.Empty, "the files are those that the manifests say");
            foreach (var unit in graph.Units)
            {
                int[] whole = [.. finished[unit.Id]];
                Assert.That(whole, Is.Not.Empty);
                // A worker may have been killed between its last link and the renaming: only then somebody else computed the unit again.
                Assert.That(whole.Where(p => !killer.Killed(p)).ToArray(), Has.Length.LessThanOrEqualTo(1), "computed twice");
                Assert.That(
                    Directory.EnumerateFileSystemEntries(store.FolderOf(unit.Id)).Select(Path.GetFileName),
                    Is.SubsetOf(["unit.json", "log.txt", "result"]), "nothing half-written, no lock");
            }
        }
        TestContext.Out.WriteLine(
            $"{killer.Victims} workers and {killer.Runners} runners killed; {computations.Count(c => c[2] == "begin")} computations begun, "
            + $"{computations.Count(c => c[2] == "end")} ended, for {graph.Units.Count} units");
    }

    /// <summary>Starts a runner again and again until every unit has its result, as a user would.</summary>
    private static void RunToTheEnd(string plan, string store, string log, Killer killer)
    {
        for (int start = 0; start <= 2 * Kills; start++)
        {
            using var runner = TestProgram.Start(new Dictionary<string, string> { [ChainKind.LogVariable] = log }, "units", plan, store, "2");
            while (runner.StandardOutput.ReadLine() is { } line)
                if (WorkerLine.TryParse(line)?.Progress is { Activity: "hash" } progress) killer.Hear(progress, runner);
            runner.WaitForExit();
            if (runner.ExitCode == 0) return;
        }
        Assert.Fail("the runner never came to an end");
    }

    /// <summary>Kills at moments that are counted in progress, not in time: now a worker, now a runner.</summary>
    private sealed class Killer
    {
        private readonly UnitStore _store;
        private readonly Queue<(int Moment, bool Runner)> _moments;
        private readonly HashSet<int> _killed = [];
        private int _heard;

        public Killer(UnitStore store, Random random)
        {
            _store = store;
            int links = 40 * Settings.Links;
            _moments = new(Enumerable.Range(0, Kills).Select(k => (Moment: random.Next(links), Runner: k % 3 == 2)).OrderBy(m => m.Moment));
        }

        public int Victims { get; private set; }

        public int Runners { get; private set; }

        public bool Killed(int process)
        {
            lock (this) return _killed.Contains(process);
        }

        public void Hear(UnitProgress progress, Process runner)
        {
            lock (this)
            {
                if (!_moments.TryPeek(out var next) || _heard++ < next.Moment) return;
                if (next.Runner)
                {
                    if (runner.HasExited) return;
                    runner.Kill();
                    Runners++;
                }
                else
                {
                    if (Claim.HolderOf(_store.FolderOf(progress.Unit), UnitStore.UnitFile) is not { } holder) return;
                    _killed.Add(holder.ProcessId);
                    Kill(holder.ProcessId);
                    Victims++;
                }
                _moments.Dequeue();
            }
        }
    }
}
