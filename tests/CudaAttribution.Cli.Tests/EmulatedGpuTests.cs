using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Driver.Cuda;

namespace CudaAttribution.Cli.Tests;

/// <summary>
/// The whole program on <c>cuda:0</c> without a GPU: the driver library is fake_libcuda.c, which hands every launch to a host device's kernels. So
/// loading, memory, copies, streams, launch shapes and parameters of the CUDA path are run; that a GPU's arithmetic agrees is not shown by it.
/// </summary>
public sealed class EmulatedGpuTests
{
    private static readonly string Models = Path.Combine(AppContext.BaseDirectory, "models");
    private static readonly TestFolder Work = new();
    private static readonly FakeGpu Fake = new();

    [OneTimeTearDown]
    public void Remove()
    {
        Work.Dispose();
        Fake.Dispose();
    }

    [Test]
    public void Every_op_passes_the_audit()
    {
        var result = Cudattr.Run(Fake.Driver("libcuattr_simt.so"), "verify", "--device", "cuda:0", "--json");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Json.GetProperty("checks").GetInt32(), Is.GreaterThan(900));
        Assert.That(result.Json.GetProperty("failed").GetInt32(), Is.Zero);
    }

    [Test]
    public void A_gpu_whose_kernels_do_nothing_fails_the_audit()
    {
        var result = Cudattr.Run(Fake.Driver(), "verify", "--device", "cuda:0", "--op", "silu", "--json");
        Assert.That(result.ExitCode, Is.EqualTo(3), result.Error);
        Assert.That(result.Json.GetProperty("failed").GetInt32(), Is.Positive);
    }

    [Test]
    public void Pictures_and_training_steps_have_the_bits_of_cpu()
    {
        var gpu = Fake.Driver("libcuattr_cpu_avx2.so");
        string[] sample =
            ["sample", "--model", Path.Combine(Models, "source"), "--prompt", "grinning face", "--count", "2", "--sample-steps", "3", "--seed", "4"];
        string[] train = ["finetune", "--base", Path.Combine(Models, "g0"), "--data", "emoji:openmoji@0+16#3", "--steps", "3", "--batch", "4"];
        foreach (var (name, arguments) in new[] { ("pictures", sample), ("model", train) })
        {
            var emulated = Cudattr.Run(gpu, [.. arguments, "--device", "cuda:0", "--out", Work[$"{name}-gpu"]]);
            Assert.That(emulated.ExitCode, Is.Zero, emulated.Error);
            Cudattr.Succeed([.. arguments, "--device", "cpu", "--out", Work[$"{name}-cpu"]]);
            Assert.That(Results(Work[$"{name}-gpu"]), Is.EqualTo(Results(Work[$"{name}-cpu"])).And.Not.Empty, name);
        }
    }

    /// <summary>A step that copied from or to the host could not be recorded: the driver refuses that.</summary>
    [Test]
    public void Steps_are_recorded_and_replayed()
    {
        var result = Cudattr.Run(
            Fake.Driver("libcuattr_cpu_avx2.so", "libcuattr_simt.so"), "bench", "--random", "sd-v1.5", "--channels", "32", "--size", "8", "--batch", "1", "--sample-batch",
            "1", "--steps", "2", "--warmup", "1", "--device", "cuda:0", "--json");
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        foreach (string part in new[] { "training", "sampling" })
        {
            var timing = result.Json.GetProperty(part);
            Assert.That(timing.GetProperty("replay_problem").ValueKind, Is.EqualTo(System.Text.Json.JsonValueKind.Null), part);
            Assert.That(timing.GetProperty("replay_ms").GetDouble(), Is.Positive, part);
            Assert.That(timing.GetProperty("median_ms").GetDouble(), Is.Positive, part);
            Assert.That(timing.GetProperty("launches").GetInt64(), Is.GreaterThan(500), part);
            Assert.That(timing.GetProperty("kernels").EnumerateArray().Sum(k => k.GetProperty("launches").GetInt64()), Is.GreaterThan(500), part);
        }
    }

    [Test]
    public void Running_out_of_memory_is_one_clear_sentence()
    {
        var gpu = Fake.Driver("libcuattr_cpu_avx2.so");
        gpu["FAKE_CUDA_OOM_AT"] = "3";
        var result = Cudattr.Run(
            gpu, "sample", "--model", Path.Combine(Models, "source"), "--prompt", "cat", "--device", "cuda:0", "--out", Work["nothing"]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(1));
            Assert.That(result.Error, Does.Contain("cannot allocate").And.Contain("cuda:0"));
            Assert.That(result.Error, Does.Not.Contain("   at CudaAttribution"));
        }
    }

    [Test]
    public void Timing_and_profiling_steps_waits_for_the_device_now_and_then_only()
    {
        var gpu = Fake.Driver("libcuattr_cpu_avx2.so", "libcuattr_simt.so"); // simt for the ceiling of the tensor cores
        gpu["FAKE_CUDA_COUNTS"] = Work["counts"];
        string[] bench = ["bench", "--random", "nano", "--part", "sampling", "--sample-batch", "1", "--steps", "2", "--warmup", "4", "--device", "cuda:0"];
        var result = Cudattr.Run(gpu, [.. bench, "--json"]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        long[] counts = [.. File.ReadAllText(Work["counts"]).Split().Take(2).Select(long.Parse)];
        long launches = result.Json.GetProperty("sampling").GetProperty("launches").GetInt64();
        // Four warm-up, two timed, four profiled and one recorded step of so many launches; a wait around each would be thousands.
        Assert.That(counts[0], Is.GreaterThan(10 * launches));
        Assert.That(counts[1], Is.LessThan(launches));
    }

    [Test]
    public void Doctor_names_the_binding()
    {
#if MANAGEDCUDA
        const string Binding = "ManagedCudaDriver";
#else
        const string Binding = "CudaDriver";
#endif
        var result = Cudattr.Run(Fake.Driver(), "doctor", "--json");
        var device = result.Json.GetProperty("devices").EnumerateArray().Single(d => d.GetProperty("id").GetString() == "cuda:0");
        Assert.That(device.GetProperty("info").GetProperty("binding").GetString(), Is.EqualTo(Binding));
        Assert.That(Cudattr.Run(Fake.Driver(), "doctor").Output, Does.Contain($"{Binding} CUDA 12.4"));
    }

    [Test]
    public void Doctor_and_the_manifest_tell_what_the_kernels_are_loaded_from()
    {
        const string Ptx = "PTX, compiled by the driver", Cubin = "kernels.sm_90.cubin (ptxas 12.4.131)";
        var gpu = Fake.Driver("libcuattr_cpu_avx2.so");
        Assert.That(Line(gpu, "cuda:0"), Does.EndWith($"kernels: {Ptx}"));
        Assert.That(Line(gpu, "simt"), Does.EndWith("kernels: libcuattr_simt.so"));
        gpu["CUDATTR_NATIVE_DIR"] = Work["cubins"];
        Directory.CreateDirectory(Work["cubins"]);
        foreach (string library in Directory.GetFiles(AppContext.BaseDirectory, "libcuattr_*.so"))
            File.CreateSymbolicLink(Work[$"cubins/{Path.GetFileName(library)}"], library);
        byte[] ptx = Encoding.UTF8.GetBytes(CudaDevice.EmbeddedPtx()), cubin = [.. "FAKE CUBIN 90\n"u8, .. ptx, 0];
        File.WriteAllBytes(Work["cubins/kernels.sm_90.cubin"], cubin);
        File.WriteAllText(
            Work["cubins/kernels.cubins.json"],
            $$"""
            {"format":1,"ptx_sha256":"{{Hash(ptx)}}","assembler":"ptxas 12.4.131",
             "cubins":[{"target":"sm_90","file":"kernels.sm_90.cubin","sha256":"{{Hash(cubin)}}"}]}
            """);
        Assert.That(Line(gpu, "cuda:0"), Does.EndWith($"kernels: {Cubin}"));
        var result = Cudattr.Run(
            gpu, "sample", "--model", Path.Combine(Models, "source"), "--prompt", "cat", "--count", "1", "--sample-steps", "1", "--device", "cuda:0",
            "--out", Work["cubin-picture"]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        string manifest = File.ReadAllText(Work["cubin-picture/manifest.json"]);
        Assert.That(manifest, Does.Contain(Cubin).And.Contain(Hash(cubin)));

        File.AppendAllText(Work["cubins/kernels.sm_90.cubin"], "x");
        Assert.That(Line(gpu, "cuda:0"), Does.Contain("not usable").And.Contain("kernels.sm_90.cubin has SHA-256").And.Contain("build/cubins.sh"));
    }

    private static string Line(Dictionary<string, string> gpu, string device) =>
        Cudattr.Run(gpu, "doctor").Output.Split('\n').First(line => line.StartsWith($"  {device} ", StringComparison.Ordinal));

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Every file but those that name the device and the time.</summary>
    private static Dictionary<string, string> Results(string folder) => TestFolder.Contents(folder)
        .Where(file => file.Key is not ("manifest.json" or "report.html"))
        .ToDictionary(file => file.Key, file => file.Value);
}
