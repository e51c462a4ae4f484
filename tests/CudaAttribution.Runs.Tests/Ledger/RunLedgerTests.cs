using CudaAttribution.Ledger;
using CudaAttribution.Runs.Manifests;
using CudaAttribution.Tests;
using Microsoft.Data.Sqlite;

namespace CudaAttribution.Runs.Tests.Ledger;

public class RunLedgerTests
{
    [Test]
    public void RunsAreListedNewestFirstAndShownByPrefix()
    {
        var folder = new RunFolder(TestFolder.New("ledger"));
        using var ledger = RunLedger.Open(folder.Path("runs.db"));
        var first = Enter(ledger, folder, "one", 1);
        var second = Enter(ledger, folder, "two", 2);
        Assert.That(ledger.List().Select(e => e.Id), Is.EqualTo(new[] { second.Id, first.Id }));
        Assert.That(ledger.List(limit: 1), Has.Count.EqualTo(1));
        Assert.That(ledger.Show(first.Id[..6]) with { Figures = first.Figures }, Is.EqualTo(first));
        Assert.That(first.ManifestHash, Is.EqualTo(RunFolder.HashFile(folder.Path("one/manifest.json"))));
        Assert.Throws<UserException>(() => ledger.Show("zz"));
        Assert.Throws<UserException>(() => ledger.Show(""));
    }

    [Test]
    public void TheSameRunIsEnteredOnceAndItsNewPlaceIsKept()
    {
        var folder = new RunFolder(TestFolder.New("ledger"));
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
        var folder = new RunFolder(TestFolder.New("ledger"));
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
        var folder = new RunFolder(TestFolder.New("ledger"));
        folder.Write("runs.db", new string('x', 5000));
        Assert.That(Assert.Throws<UserException>(() => RunLedger.Open(folder.Path("runs.db")))!.Message, Does.Contain("runs.db"));
    }

    [Test]
    public void AnOutcomeIsKeptWithItsFigures()
    {
        var folder = new RunFolder(TestFolder.New("ledger"));
        var manifest = Manifest(1);
        folder.WriteJson("one/manifest.json", manifest);
        var figures = new Dictionary<string, double> { ["conf"] = 0.1 + 0.2, ["p_value"] = 9.9e-9 };
        using (var ledger = RunLedger.Open(folder.Path("runs.db"))) ledger.Add(folder.Path("one"), manifest, new("infringing", figures));
        using var again = RunLedger.Open(folder.Path("runs.db"));
        var entry = again.List().Single();
        Assert.That(entry.Outcome, Is.EqualTo("infringing"));
        Assert.That(entry.Figures, Is.EquivalentTo(figures), "to the last digit");
        Assert.That((entry.Figure("conf"), entry.Figure("p")), Is.EqualTo(((double?)(0.1 + 0.2), (double?)null)));
    }

    /// <summary>The table as the first version made it, filled by hand.</summary>
    [Test]
    public void ALedgerOfTheFirstVersionKeepsItsRows()
    {
        string file = new RunFolder(TestFolder.New("ledger")).Path("runs.db");
        using (var connection = new SqliteConnection($"Data Source={file};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText =
                """
                CREATE TABLE runs (
                    id TEXT PRIMARY KEY, time TEXT NOT NULL, command TEXT NOT NULL, verdict TEXT, conf REAL, p_value REAL,
                    folder TEXT NOT NULL, manifest_sha256 TEXT NOT NULL);
                INSERT INTO runs VALUES
                    ('aa', '2026-11-28T03:00:00.0000000+00:00', 'attribute', 'infringing', $conf, 9.9e-9, '/a', 'aabb'),
                    ('bb', '2026-11-28T02:00:00.0000000+00:00', 'sample', NULL, NULL, NULL, '/b', 'bbcc');
                PRAGMA user_version = 1;
                """;
            command.Parameters.AddWithValue("$conf", 0.1 + 0.2);
            command.ExecuteNonQuery();
        }
        for (int opened = 0; opened < 2; opened++)
        {
            using var ledger = RunLedger.Open(file);
            var (judged, other) = (ledger.List()[0], ledger.List()[1]);
            Assert.That((judged.Id, judged.Command, judged.Outcome, judged.Folder, judged.ManifestHash), Is.EqualTo(("aa", "attribute", "infringing", "/a", "aabb")));
            Assert.That(judged.Time, Is.EqualTo(new DateTimeOffset(2026, 11, 28, 3, 0, 0, TimeSpan.Zero)));
            Assert.That(judged.Figures, Is.EquivalentTo(new Dictionary<string, double> { ["conf"] = 0.1 + 0.2, ["p_value"] = 9.9e-9 }));
            Assert.That((other.Id, other.Outcome, other.Figures.Count), Is.EqualTo(("bb", (string?)null, 0)));
        }
    }

    [Test]
    public void ALedgerOfANewerVersionIsLeftAlone()
    {
        string file = new RunFolder(TestFolder.New("ledger")).Path("runs.db");
        using (RunLedger.Open(file)) { }
        using (var connection = new SqliteConnection($"Data Source={file};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version = 3";
            command.ExecuteNonQuery();
        }
        Assert.That(Assert.Throws<UserException>(() => RunLedger.Open(file))!.Message, Does.Contain("version 3").And.Contain("knows 2"));
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
