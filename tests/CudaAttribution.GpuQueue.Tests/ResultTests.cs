using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.GpuQueue.Running;

namespace CudaAttribution.GpuQueue.Tests;

/// <summary>What a run writes: the log of results, the archive, the table.</summary>
public sealed class ResultTests
{
    private readonly TemporaryFolder _folder = new();

    [TearDown]
    public void Clear()
    {
        foreach (string file in Directory.EnumerateFiles(_folder.Root)) File.Delete(file);
    }

    [OneTimeTearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void Results_are_read_as_they_were_added()
    {
        using (var log = ResultLog.Open(_folder.Root))
        {
            log.Add(new JsonObject { ["step"] = "a", ["text"] = "line\nbreak, \"quote\", π" });
            Assert.That(ResultLog.Read(_folder.Root), Has.Count.EqualTo(1), "readable while it is written");
            log.Add(new JsonObject { ["step"] = "b", ["ms"] = 0.25 });
        }
        var read = ResultLog.Read(_folder.Root);
        Assert.That((string?)read[0]["text"], Is.EqualTo("line\nbreak, \"quote\", π"));
        Assert.That((double)read[1]["ms"]!, Is.EqualTo(0.25));
    }

    [TestCase("{\"step\":\"a\"}\n{\"step\":\"b\"", 1)]
    [TestCase("{\"step\":\"a\"}\n", 1)]
    [TestCase("{\"st", 0)]
    [TestCase("", 0)]
    public void A_line_that_was_cut_short_is_no_result(string text, int whole)
    {
        _folder.Write(ResultLog.FileName, text);
        Assert.That(ResultLog.Read(_folder.Root), Has.Count.EqualTo(whole));
        using (var log = ResultLog.Open(_folder.Root)) log.Add(new JsonObject { ["step"] = "c" });
        var read = ResultLog.Read(_folder.Root);
        Assert.That(read, Has.Count.EqualTo(whole + 1));
        Assert.That((string?)read[^1]["step"], Is.EqualTo("c"));
    }

    [TestCase("{\"step\":\"a\"}\nnonsense\n", "line 2")]
    [TestCase("[1]\n", "line 1")]
    public void A_whole_line_that_is_no_object_is_damage(string text, string expected)
    {
        _folder.Write(ResultLog.FileName, text);
        Assert.That(() => ResultLog.Read(_folder.Root), Throws.TypeOf<QueueException>().With.Message.Contains(expected));
    }

    [Test]
    public void Only_the_last_attempt_of_a_step_counts()
    {
        JsonObject[] results =
        [
            new() { ["run"] = new JsonObject() }, Of("a", "begin"), Of("a", "first"), Of("b", "begin"), Of("b", "kept"), Of("a", "begin"), Of("a", "second"),
        ];
        var counted = ResultLog.LastAttempts(results).Where(r => r["begin"] is null && r["run"] is null).Select(r => r.Last().Key);
        Assert.That(counted, Is.EqualTo(new[] { "kept", "second" }));

        static JsonObject Of(string step, string what) => new() { ["step"] = step, [what] = true };
    }

    [Test]
    public void Two_runs_cannot_write_one_log()
    {
        using var first = ResultLog.Open(_folder.Root);
        Assert.That(() => ResultLog.Open(_folder.Root), Throws.TypeOf<QueueException>().With.Message.Contains("cannot be written"));
    }

    [Test]
    public void The_archive_holds_results_and_logs_and_nothing_half_written()
    {
        using var logs = new TemporaryFolder();
        logs.Write("facts.log", "what was said");
        _folder.Write(ResultLog.FileName, "{}\n");
        for (int i = 0; i < 2; i++) Archive.Write(_folder.Root, logs.Root);
        Assert.That(Directory.EnumerateFiles(_folder.Root).Select(Path.GetFileName), Is.EquivalentTo(new[] { ResultLog.FileName, Archive.FileName }));
        using var file = File.OpenRead(_folder[Archive.FileName]);
        using var tar = new TarReader(new GZipStream(file, CompressionMode.Decompress));
        var entries = new Dictionary<string, string>();
        while (tar.GetNextEntry() is { } entry) entries[entry.Name] = new StreamReader(entry.DataStream!).ReadToEnd();
        Assert.That(entries, Is.EquivalentTo(new Dictionary<string, string> { [ResultLog.FileName] = "{}\n", ["logs/facts.log"] = "what was said" }));
        using var later = new TemporaryFolder();
        Archive.RestoreLogs(_folder.Root, later.Root);
        Assert.That(File.ReadAllText(later["facts.log"]), Is.EqualTo("what was said"), "a run that goes on keeps the logs of before");
    }

    [Test]
    public void The_table_lists_steps_and_results_and_counts_what_is_as_it_should_be()
    {
        string table = ResultTable.Of(
        [
            new JsonObject { ["run"] = new JsonObject { ["device"] = "cuda:0" } },
            new JsonObject { ["step"] = "p", ["what"] = "parity", ["case"] = "good", ["state"] = "ok" },
            new JsonObject { ["step"] = "p", ["what"] = "parity", ["case"] = "bad | one", ["state"] = "failed" },
            new JsonObject { ["step"] = "m", ["what"] = "model", ["median_ms"] = 1234.5, ["p90_ms"] = 0.00012, ["kernels"] = new JsonArray(1, 2) },
            new JsonObject { ["step"] = "m", ["end"] = true, ["state"] = "cut off", ["seconds"] = 3.25, ["why"] = "late" },
        ]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(table, Does.Contain("| m | cut off | 3.25 |  | late |"));
            Assert.That(table, Does.Contain("device cuda:0"));
            Assert.That(table, Does.Contain("bad \\| one").And.Not.Contain("good"));
            Assert.That(table, Does.Contain("| step | median_ms | p90_ms |").And.Contain("| m | 1,234 | 1.2e-4 |").Or.Contain("| m | 1,235 | 1.2e-4 |"));
        }
    }

    [Test]
    public void A_process_is_stopped_with_all_it_has_started_when_its_box_is_used_up()
    {
        string late = _folder["late"];
        var watch = Stopwatch.StartNew();
        var end = StepProcess.Run(["bash", "-c", $"(sleep 4; touch {late}) & echo begun; wait"], TimeSpan.FromSeconds(0.7), _ => true, TextWriter.Null);
        Assert.That(end.CutOff, Is.True);
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(4)));
        Thread.Sleep(4000);
        Assert.That(File.Exists(late), Is.False, "what it had started went on");
    }

    [Test]
    public void What_lives_on_and_holds_the_output_open_is_not_waited_for()
    {
        var watch = Stopwatch.StartNew();
        var end = StepProcess.Run(["bash", "-c", "sleep 20 & echo done; exit 0"], TimeSpan.FromSeconds(30), _ => true, TextWriter.Null);
        Assert.That((end.ExitCode, end.CutOff), Is.EqualTo((0, false)));
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(15)));
    }

    [Test]
    public void Lines_that_are_no_results_and_errors_go_to_the_log()
    {
        using var log = new StringWriter();
        var lines = new List<string>();
        var end = StepProcess.Run(["bash", "-c", "echo yes; echo no; echo wrong >&2; exit 3"], TimeSpan.FromSeconds(10), line =>
        {
            lines.Add(line);
            return line == "yes";
        }, log);
        Assert.That(lines, Is.EqualTo(new[] { "yes", "no" }));
        Assert.That(log.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.EquivalentTo(new[] { "no", "wrong" }));
        Assert.That(end.ExitCode, Is.EqualTo(3));
    }
}
