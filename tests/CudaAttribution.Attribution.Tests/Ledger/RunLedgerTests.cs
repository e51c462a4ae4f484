using CudaAttribution.Attribution.Tests.World;
using CudaAttribution.Files;
using CudaAttribution.Ledger;

namespace CudaAttribution.Attribution.Tests.Ledger;

public class RunLedgerTests
{
    [Test]
    public void RunsAreListedNewestFirstAndShownByPrefix()
    {
        var folder = new RunFolder(Fixtures.Folder("ledger"));
        using var ledger = RunLedger.Open(folder.Path("runs.db"));
        var first = Enter(ledger, folder, "one", 1);
        var second = Enter(ledger, folder, "two", 2);
        Assert.That(ledger.List().Select(e => e.Id), Is.EqualTo(new[] { second.Id, first.Id }));
        Assert.That(ledger.List(limit: 1), Has.Count.EqualTo(1));
        Assert.That(ledger.Show(first.Id[..6]), Is.EqualTo(first));
        Assert.That(first.ManifestHash, Is.EqualTo(RunFolder.HashFile(folder.Path("one/manifest.json"))));
        Assert.Throws<AttributionException>(() => ledger.Show("zz"));
        Assert.Throws<AttributionException>(() => ledger.Show(""));
    }

    [Test]
    public void TheSameRunIsEnteredOnceAndItsNewPlaceIsKept()
    {
        var folder = new RunFolder(Fixtures.Folder("ledger"));
        string file = folder.Path("runs.db");
        using (var ledger = RunLedger.Open(file)) Enter(ledger, folder, "one", 1);
        using var again = RunLedger.Open(file);
        Directory.Move(folder.Path("one"), folder.Path("moved"));
        again.Add(folder.Path("moved"), Manifest(1), null);
        Assert.That(again.List().Single().Folder, Is.EqualTo(folder.Path("moved")));
    }

    [Test]
    public void TwoProcessesMayWriteAtOnce()
    {
        var folder = new RunFolder(Fixtures.Folder("ledger"));
        string file = folder.Path("runs.db");
        using (RunLedger.Open(file)) { }
        Parallel.For(0, 12, i =>
        {
            using var ledger = RunLedger.Open(file);
            Enter(ledger, folder, $"run{i}", i);
        });
        using var all = RunLedger.Open(file);
        Assert.That(all.List(), Has.Count.EqualTo(12));
    }

    [Test]
    public void AFileThatIsNoLedgerIsNamed()
    {
        var folder = new RunFolder(Fixtures.Folder("ledger"));
        folder.Write("runs.db", new string('x', 5000));
        Assert.That(Assert.Throws<AttributionException>(() => RunLedger.Open(folder.Path("runs.db")))!.Message, Does.Contain("runs.db"));
    }

    private static LedgerEntry Enter(RunLedger ledger, RunFolder folder, string name, int minute)
    {
        var manifest = Manifest(minute);
        folder.WriteJson($"{name}/manifest.json", manifest);
        return ledger.Add(folder.Path(name), manifest, null);
    }

    private static RunManifest Manifest(int minute) => new()
    {
        Command = "attribute",
        CommandLine = ["cudattr", "attribute"],
        Version = "test",
        Seed = 1,
        Started = new DateTimeOffset(2020, 1, 1, 0, minute, 0, TimeSpan.Zero),
        Finished = new DateTimeOffset(2020, 1, 1, 0, minute, 30, TimeSpan.Zero),
        Device = new("cpu", "test", "HostDriver", "avx2", "1", 0, 2, "kernels", "00"),
        Runtime = "test",
        OperatingSystem = "test",
        Inputs = new Dictionary<string, string>(),
        Outputs = new Dictionary<string, string>(),
    };
}
