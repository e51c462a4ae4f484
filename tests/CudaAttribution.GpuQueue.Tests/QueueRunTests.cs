using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.GpuQueue.Running;

namespace CudaAttribution.GpuQueue.Tests;

/// <summary>The whole program on the emulated GPU.</summary>
public sealed class QueueRunTests
{
    private const string Facts = """{ "name": "facts", "kind": "facts", "priority": 1, "seconds": 60, "least": 1 }""";
    private const string Silu = """{ "name": "silu", "kind": "parity", "priority": 2, "seconds": 60, "least": 1, "op": "elementwise/silu" }""";

    private static readonly TemporaryFolder Work = new();
    private static readonly string[] Emulated = ["libcuattr_cpu_avx2.so", "libcuattr_simt.so"];

    private static string Golden => Work["golden.json"];

    [OneTimeSetUp]
    public void MakeGolden()
    {
        var made = QueueProcess.Run(new Dictionary<string, string>(), "golden", "--out", Golden, "--reduced");
        Assert.That(made.ExitCode, Is.Zero, made.Error);
    }

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void Every_kind_of_step_leaves_its_results()
    {
        string tools = Path.GetDirectoryName(Tools())!;
        var gpu = Gpu();
        gpu["PATH"] = tools + ":" + Environment.GetEnvironmentVariable("PATH");
        string queue = Queue(
            "all",
            Facts,
            Silu,
            """{ "name": "bf16", "kind": "parity", "priority": 2, "seconds": 60, "least": 1, "math": "bf16", "op": "gemm" }""",
            """{ "name": "variants", "kind": "variants", "priority": 3, "seconds": 60, "least": 1, "math": "bf16", "op": "gemm" }""",
            """{ "name": "sampling", "kind": "model", "priority": 4, "seconds": 60, "least": 1, "model": "sd-v1.5", "part": "sampling", "batch": 1 }""",
            """{ "name": "training", "kind": "model", "priority": 4, "seconds": 60, "least": 1, "model": "demo", "part": "training", "batch": 2 }""",
            """{ "name": "distance", "kind": "distance", "priority": 4, "seconds": 60, "least": 1 }""",
            """{ "name": "torch", "kind": "pytorch", "priority": 5, "seconds": 60, "least": 1, "model": "demo", "part": "sampling", "batch": 1 }""",
            """{ "name": "kernels", "kind": "kernels", "priority": 6, "seconds": 60, "least": 1, "op": "norm/layer" }""",
            """{ "name": "memcheck", "kind": "sanitizer", "priority": 6, "seconds": 60, "least": 1, "tool": "memcheck" }""",
            """{ "name": "racecheck", "kind": "sanitizer", "priority": 6, "seconds": 60, "least": 1, "tool": "racecheck" }""",
            """{ "name": "counters", "kind": "counters", "priority": 7, "seconds": 60, "least": 1 }""");
        var run = QueueProcess.Run(gpu, Arguments(queue, "everything"));
        var results = ResultLog.Read(Work["everything"]);
        var states = States(results);
        Assert.That(states.Where(s => s.Value != "ok").Select(s => s.Key), Is.EqualTo(new[] { "racecheck" }), run.Output + run.Error);
        Assert.That(run.ExitCode, Is.EqualTo(StepCode.CheckFailed), "a step failed");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(One(results, "device")["image"]?.ToString(), Does.Contain("PTX"));
            Assert.That((double)One(results, "ceilings")["fma_gflops"]!, Is.Positive);
            Assert.That(results.Where(r => (string?)r["step"] == "silu" && (string?)r["what"] == "parity").Select(r => (string?)r["state"]), Is.All.EqualTo("ok").And.Not.Empty);
            Assert.That((double)One(results, "variant")["nmse"]!, Is.InRange(1e-9, 2e-5), "BF16 rounds, and by no more than it must");
            Assert.That((double)One(results, "variant")["speed"]!, Is.Positive);
            var sampling = results.Single(r => (string?)r["step"] == "sampling" && (string?)r["what"] == "model");
            Assert.That((string?)sampling["model"], Is.EqualTo("sd-v1.5 reduced"));
            Assert.That((double)sampling["median_ms"]!, Is.Positive);
            Assert.That((double)sampling["replay_ms"]!, Is.Positive, "the step can be recorded");
            Assert.That(sampling["kernels"]!.AsArray(), Has.Count.GreaterThan(10));
            Assert.That((double)One(results, "pixel distance")["mean_square"]!, Is.EqualTo(256.0 * 256 / 6).Within(1).Percent);
            Assert.That((double)One(results, "pytorch sampling")["median_ms"]!, Is.EqualTo(1.5));
            Assert.That(results.Where(r => (string?)r["what"] == "kernel").Select(r => (string?)r["clock"]), Is.All.EqualTo("graph").And.Not.Empty);
            Assert.That((int)results.Single(r => (string?)r["tool"] == "memcheck")["errors"]!, Is.Zero);
            var hazards = results.Single(r => (string?)r["tool"] == "racecheck");
            Assert.That((int)hazards["errors"]!, Is.EqualTo(2));
            Assert.That((string?)hazards["first"], Does.StartWith("Error: Race reported"));
            Assert.That((double)One(results, "counters")["metrics"]!["Duration [us]"]!, Is.EqualTo(12.5));
            Assert.That((string?)One(results, "counters")["kernel"], Does.StartWith("regex:^("), "the kernels that took most time were asked for");
            var clock = results.Single(r => (string?)r["step"] == "silu" && r["end"] is not null)["clock"];
            Assert.That((double)clock!["sm_mhz"]!, Is.EqualTo(1755), "the clock stands beside the figure");
        }
        Assert.That(run.Output, Does.Contain("## steps").And.Contain("| memcheck | ok |"));
        Assert.That(Directory.EnumerateFiles(Work["everything"]).Select(Path.GetFileName), Is.EquivalentTo(new[] { ResultLog.FileName, ResultTable.FileName, Archive.FileName }));
    }

    [Test]
    public void Tools_that_are_not_there_are_skipped_by_name()
    {
        var gpu = Gpu();
        // A PATH with dotnet and nothing else.
        string only = Work["only-dotnet"];
        Directory.CreateDirectory(only);
        string dotnet = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(p => Path.Combine(p, "dotnet")).First(File.Exists);
        if (!File.Exists(Path.Combine(only, "dotnet"))) File.CreateSymbolicLink(Path.Combine(only, "dotnet"), dotnet);
        gpu["PATH"] = only;
        string queue = Queue(
            "skips",
            """{ "name": "torch", "kind": "pytorch", "priority": 5, "seconds": 60, "least": 1, "model": "demo", "part": "sampling", "batch": 1 }""",
            """{ "name": "memcheck", "kind": "sanitizer", "priority": 6, "seconds": 60, "least": 1, "tool": "memcheck" }""",
            """{ "name": "counters", "kind": "counters", "priority": 7, "seconds": 60, "least": 1 }""");
        var run = QueueProcess.Run(gpu, Arguments(queue, "skips"));
        Assert.That(run.ExitCode, Is.Zero, run.Output + run.Error);
        var ends = ResultLog.Read(Work["skips"]).Where(r => r["end"] is not null).Select(r => $"{r["step"]}: {r["state"]}, {r["why"]}");
        Assert.That(ends, Is.EqualTo(new[]
        {
            "torch: skipped, python3 is not on the PATH", "memcheck: skipped, compute-sanitizer is not on the PATH",
            "counters: skipped, no step before has told which kernels take the time",
        }));
    }

    [Test]
    public void A_gpu_whose_kernels_write_nothing_is_found_out()
    {
        var run = QueueProcess.Run(QueueProcess.Gpu(Work), Arguments(Queue("idle", Silu), "idle"));
        Assert.That(run.ExitCode, Is.EqualTo(StepCode.CheckFailed), run.Error);
        var parity = ResultLog.Read(Work["idle"]).First(r => (string?)r["what"] == "parity");
        Assert.That((string?)parity["why"], Does.Contain("NaN or infinite: not written"));
    }

    [Test]
    public void Bits_that_differ_from_those_of_cpu_fail()
    {
        var golden = JsonNode.Parse(File.ReadAllText(Golden))!;
        foreach (var entry in golden["cases"]!.AsArray().Where(c => (string?)c!["op"] == "elementwise/silu")) entry!["sha256"] = new string('0', 64);
        string wrong = Work.Write("wrong-golden.json", golden.ToJsonString());
        var run = QueueProcess.Run(Gpu(), Arguments(Queue("wrong", Silu), "wrong", wrong));
        Assert.That(run.ExitCode, Is.EqualTo(StepCode.CheckFailed), run.Error);
        var results = ResultLog.Read(Work["wrong"]);
        Assert.That((string?)results.First(r => (string?)r["what"] == "parity")["why"], Does.Contain("other ones where the golden hashes were made"));
        Assert.That((string?)results.Single(r => r["end"] is not null)["why"], Does.EndWith("cases failed"));
    }

    [Test]
    public void Golden_hashes_of_other_kernels_are_refused()
    {
        var golden = JsonNode.Parse(File.ReadAllText(Golden))!;
        golden["ptx_sha256"] = new string('0', 64);
        string other = Work.Write("other-golden.json", golden.ToJsonString());
        var run = QueueProcess.Run(Gpu(), Arguments(Queue("other", Silu), "other", other));
        Assert.That((string?)ResultLog.Read(Work["other"]).Single(r => r["end"] is not null)["why"], Does.Contain("belongs to other kernels"), run.Output);
    }

    [Test]
    public void What_does_not_fit_into_the_time_is_named_as_not_run()
    {
        string queue = Queue("late", Facts, """{ "name": "long", "kind": "parity", "priority": 3, "seconds": 600 }""");
        var run = QueueProcess.Run(Gpu(), [.. Arguments(queue, "late"), "--minutes", "0.9"]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Output, Does.Contain("long: not run (no time left)"));
        Assert.That(States(ResultLog.Read(Work["late"])), Is.EquivalentTo(new Dictionary<string, string> { ["facts"] = "ok", ["long"] = "not run" }));
    }

    [Test]
    public void Without_a_gpu_nothing_else_is_run()
    {
        var none = new Dictionary<string, string> { ["CUDATTR_LIBCUDA"] = Work["no-such-driver.so"] };
        var run = QueueProcess.Run(none, Arguments(Queue("none", Facts, Silu), "none"));
        Assert.That(run.ExitCode, Is.EqualTo(StepCode.CheckFailed));
        var results = ResultLog.Read(Work["none"]);
        Assert.That(States(results), Is.EquivalentTo(new Dictionary<string, string> { ["facts"] = "failed", ["silu"] = "not run" }));
        Assert.That((string?)results.Single(r => (string?)r["step"] == "facts" && r["end"] is not null)["why"], Does.Contain("driver"));
    }

    [Test]
    public void A_folder_with_results_of_another_queue_is_left_alone()
    {
        QueueProcess.Run(Gpu(), Arguments(Queue("one", Silu), "taken"));
        string before = File.ReadAllText(Path.Combine(Work["taken"], ResultLog.FileName));
        var run = QueueProcess.Run(Gpu(), Arguments(Queue("two", Silu, Facts), "taken"));
        Assert.That(run.ExitCode, Is.EqualTo(StepCode.Failed));
        Assert.That(run.Error, Does.Contain("results of another run (queue_sha256").And.Contain("name a new folder").And.Not.Contain("   at "));
        Assert.That(File.ReadAllText(Path.Combine(Work["taken"], ResultLog.FileName)), Is.EqualTo(before));
    }

    [Test]
    public void Cut_off_at_ten_random_moments_it_loses_the_running_step_only_and_goes_on()
    {
        string[] ops = ["elementwise/silu", "elementwise/scale", "norm/layer", "loss", "embedding", "elementwise/add", "optim", "sampling"];
        string[] steps = [Facts, .. ops.Select((op, i) => $$"""{ "name": "step{{i}}", "kind": "parity", "priority": 2, "seconds": 60, "least": 1, "op": "{{op}}" }""")];
        string queue = Queue("cut", steps);
        var random = new Random(5);
        var said = new ConcurrentBag<string>();
        for (int kill = 0; kill < 10; kill++)
        {
            using var process = QueueProcess.Start(Gpu(), Arguments(queue, "cut"));
            process.OutputDataReceived += (_, e) =>
            {
                if (e.Data is { } line && line.Contains(": ok", StringComparison.Ordinal)) said.Add(line[..line.IndexOf(':', StringComparison.Ordinal)]);
            };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            // Some way into the step after none or one more has ended, however fast the machine is.
            int enough = said.Count + (kill == 0 ? 1 : random.Next(2));
            while (said.Count < enough && !process.WaitForExit(1))
            {
            }
            process.WaitForExit(random.Next(400));
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            var finished = States(ResultLog.Read(Work["cut"]));
            Assert.That(said.Distinct(), Is.SubsetOf(finished.Keys), $"after kill {kill}: a step that was said to be finished is not in the results");
        }
        var run = QueueProcess.Run(Gpu(), Arguments(queue, "cut"));
        Assert.That(run.ExitCode, Is.Zero, run.Output + run.Error);
        var ends = ResultLog.Read(Work["cut"]).Where(r => r["end"] is not null && (string?)r["state"] == "ok").Select(r => (string)r["step"]!).ToArray();
        Assert.That(ends, Is.Unique.And.EquivalentTo(ops.Select((_, i) => $"step{i}").Prepend("facts")), "each step was finished once");
    }

    [TestCase("--minutes", "0")]
    [TestCase("--minutes", "NaN")]
    public void An_impossible_time_is_refused(string option, string value)
    {
        var run = QueueProcess.Run(Gpu(), [.. Arguments(Queue("time", Silu), "time"), option, value]);
        Assert.That(run.ExitCode, Is.EqualTo(StepCode.Failed));
        Assert.That(run.Error, Does.Contain("--minutes must lie between"));
        Assert.That(Directory.Exists(Work["time"]), Is.False);
    }

    private static Dictionary<string, string> Gpu() => QueueProcess.Gpu(Work, Emulated);

    private static string Queue(string name, params string[] steps) =>
        Work.Write($"{name}-queue.json", $$"""{ "format": 1, "steps": [{{string.Join(",\n", steps)}}] }""");

    private static string[] Arguments(string queue, string folder, string? golden = null) =>
        ["run", "--queue", queue, "--golden", golden ?? Golden, "--out", Work[folder], "--reduced"];

    private static Dictionary<string, string> States(IEnumerable<JsonObject> results) =>
        results.Where(r => r["end"] is not null).ToDictionary(r => (string)r["step"]!, r => (string)r["state"]!);

    private static JsonObject One(IEnumerable<JsonObject> results, string what) => results.First(r => (string?)r["what"] == what);

    /// <summary>Stand-ins for the tools of a GPU machine, which print what those print.</summary>
    private static string Tools()
    {
        Work.WriteProgram("tools/nvidia-smi", "case \"$*\" in *-lms*) while :; do echo '1755, 2619, 41, 312.5'; sleep 0.1; done ;; *) echo 'state of the GPU' ;; esac");
        Work.WriteProgram("tools/python3", """
            if [ "$1" = -c ]; then exit 0; fi
            echo '{"what":"sampling","mode":"eager","state":"ok","median_ms":1.5}'
            echo 'a line that is no result'
            """);
        Work.WriteProgram("tools/compute-sanitizer", """
            tool=$2
            while [ "$1" != dotnet ] && [ "${1##*/}" != dotnet ]; do shift; done
            "$@" || exit
            if [ $tool = memcheck ]; then
                echo '========= COMPUTE-SANITIZER'
                echo '========= ERROR SUMMARY: 0 errors'
            else
                echo '========= Error: Race reported between Write access at somewhere and Read access elsewhere'
                echo '========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)'
                exit 9
            fi
            """);
        Work.WriteProgram("tools/ncu", """
            while [ $# -gt 0 ] && [ "${1##*/}" != dotnet ]; do [ "$1" = --kernel-name ] && kernels=$2; shift; done
            "$@" || exit
            echo '"ID","Kernel Name","Grid Size","Metric Name","Metric Unit","Metric Value"'
            echo "\"0\",\"$kernels\",\"(1, 1, 1)\",\"Duration\",\"us\",\"12.5\""
            """);
        return Work["tools/ncu"];
    }
}
