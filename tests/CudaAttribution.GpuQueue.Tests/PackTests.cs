using System.Diagnostics;
using CudaAttribution.GpuQueue.Queue;
using CudaAttribution.GpuQueue.Running;
using CudaAttribution.Tests;

namespace CudaAttribution.GpuQueue.Tests;

/// <summary>The folder that travels to a GPU machine, and its whole queue rehearsed on the emulated driver in an otherwise empty environment.</summary>
[Category("Slow")]
public sealed class PackTests
{
    private static readonly TemporaryFolder Work = new();

    [OneTimeSetUp]
    public void Pack()
    {
        var packed = Run(null, "bash", "build/gpu-pack.sh", Work["pack"]);
        Assert.That(packed.ExitCode, Is.Zero, packed.Output);
    }

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void It_is_small_and_holds_no_models_and_no_pictures()
    {
        Assert.That(Directory.EnumerateFiles(Work["pack"]).Sum(f => new FileInfo(f).Length), Is.LessThan(20_000_000));
        string[] entries = Run(null, "tar", "-tf", Work["pack/program.tar.xz"]).Output.Split('\n');
        Assert.That(entries, Does.Contain("./app/gpu-queue.dll").And.Contain("./golden.json").And.Contain("./gpu-queue.json"));
        Assert.That(entries.Where(e => e.Contains("emoji") || e.Contains("models/") || e.Contains("AspNetCore")), Is.Empty);
    }

    [Test]
    public void The_whole_queue_is_rehearsed_in_its_nine_minutes()
    {
        var unpacked = Run(Bare(), Work["pack/run"], "--help");
        Assert.That(unpacked.ExitCode, Is.Zero, unpacked.Output);
        var gpu = Bare();
        string app = Directory.EnumerateDirectories(Work["tmp"], "cudattr-gpu-queue-*").Single() + "/app";
        string[] kernels = [Path.Combine(app, "libcuattr_cpu_avx2.so"), Path.Combine(app, "libcuattr_simt.so")];
        foreach (var (name, value) in QueueProcess.Gpu(Work)) gpu[name] = value;
        gpu.Remove("CUDATTR_NATIVE_DIR"); // with what is packed, cubins too
        gpu["FAKE_CUDA_KERNELS"] = string.Join(':', kernels);
        gpu["FAKE_CUDA_CUBIN_PTX"] = Path.Combine(Repository.Root, "artifacts/native/kernels.sm_80.ptx");
        var watch = Stopwatch.StartNew();
        var run = Run(gpu, Work["pack/run"], "--minutes", "9", "--out", Work["results"], "--reduced");
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromMinutes(9)));
        var states = ResultLog.Read(Work["results"]).Where(r => r["end"] is not null).ToDictionary(r => (string)r["step"]!, r => (string)r["state"]!);
        Assert.That(states, Has.Count.EqualTo(QueueFile.Read(Path.Combine(AppContext.BaseDirectory, "gpu-queue.json")).Queue.Steps.Count));
        string[] tools = [.. states.Where(s => s.Value == "skipped").Select(s => s.Key)];
        Assert.That(states.Where(s => s.Value is not ("ok" or "skipped")), Is.Empty, run.Output);
        // What no emulation has: NVIDIA's libraries and tools; PyTorch may be there.
        Assert.That(tools.Where(t => !t.StartsWith("pytorch", StringComparison.Ordinal)), Is.EquivalentTo(new[]
        {
            "variants-cublas-cudnn", "sd-sampling-cublas-cudnn", "sd-training-cublas-cudnn", "memcheck", "racecheck-bf16", "synccheck-bf16", "counters",
        }));
    }

    [Test]
    public void A_damaged_program_is_not_unpacked()
    {
        Directory.CreateDirectory(Work["damaged"]);
        foreach (string file in Directory.EnumerateFiles(Work["pack"])) File.Copy(file, Path.Combine(Work["damaged"], Path.GetFileName(file)), overwrite: true);
        File.WriteAllText(Work["damaged/program.sha256"], new string('0', 64));
        var run = Run(Bare(), Work["damaged/run"], "--out", Work["nothing"]);
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Output, Does.Contain("program.tar.xz is damaged"));
    }

    /// <summary>Nothing but the system's own tools.</summary>
    private static Dictionary<string, string> Bare()
    {
        Directory.CreateDirectory(Work["tmp"]);
        return new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin", ["HOME"] = Work.Root, ["TMPDIR"] = Work["tmp"] };
    }

    private static (int ExitCode, string Output) Run(Dictionary<string, string>? environment, params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = Repository.Root, RedirectStandardOutput = true, RedirectStandardError = true };
        if (environment is not null)
        {
            start.Environment.Clear();
            foreach (var (name, value) in environment) start.Environment[name] = value;
        }
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output.Result + error);
    }
}
