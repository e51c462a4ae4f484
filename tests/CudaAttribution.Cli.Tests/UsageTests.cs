namespace CudaAttribution.Cli.Tests;

/// <summary>How the program speaks to a user: help, wrong usage, exit codes.</summary>
public sealed class UsageTests
{
    [Test]
    public void Help_names_every_command_and_says_what_it_is_for()
    {
        var help = Cudattr.Succeed("--help").Output;
        string[] commands =
        [
            "demo", "train", "finetune", "sample", "reconstruct",
            "suspect", "innocents", "keys", "attribute", "serve", "runs", "twins", "watermark", "experiment", "unit", "data", "verify", "convert", "probe", "diff", "bench", "doctor",
        ];
        using (Assert.EnterMultipleScope())
        {
            foreach (string command in commands) Assert.That(help, Does.Contain($"  {command} "));
            Assert.That(help, Does.Contain("was that other model trained on pictures that mine generated?"));
        }
    }

    [Test]
    public void A_command_tells_its_details_itself()
    {
        const string Detail = "Secrets are named, never written";
        Assert.That(Cudattr.Succeed("attribute", "--help").Output, Does.Contain("Asks the suspect every key prompt once").And.Contain(Detail));
        string list = Cudattr.Succeed("--help").Output;
        Assert.That(list, Does.Contain("Asks the suspect every key prompt once").And.Not.Contain(Detail));
        Assert.That(Cudattr.Succeed("demo", "--help").Output, Does.Contain("--out"), "also where an option is required");
    }

    [TestCase("attribute")]
    [TestCase("train", "--data", "emoji:google", "--out", "x", "--steps", "many")]
    [TestCase("verify", "--colour", "red")]
    [TestCase("nonsense")]
    [TestCase("train", "--data", "emoji:google", "--out", "x", "--dtype", "I32")]
    [TestCase("convert", "--model", "x", "--out", "x", "--dtype", "I32")]
    public void Wrong_usage_is_exit_code_2_and_points_to_the_help(params string[] arguments)
    {
        var result = Cudattr.Run(arguments);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.EqualTo(2));
            Assert.That(result.Error, Does.Contain("--help'"));
        }
    }

    [TestCase("--device", "cuda:7", "cuda:7")]
    [TestCase("--device", "tpu", "tpu")]
    [TestCase("--math", "blas", "blas")]
    public void An_unknown_device_or_engine_is_named(string option, string value, string named)
    {
        Assert.That(Cudattr.Fail("bench", "--op", "elementwise/add", option, value), Does.Contain(named).Or.Contain("NVIDIA driver"));
    }

    [TestCase("0")]
    [TestCase("-1")]
    [TestCase("1025")]
    [TestCase("two")]
    public void A_number_of_threads_that_is_none_is_wrong_usage(string threads)
    {
        var result = Cudattr.Run("bench", "--op", "elementwise/add", "--threads", threads);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.Error, Does.Contain("--threads").And.Contain(threads).And.Contain("--help'"));
    }

    [TestCase("demo")]
    [TestCase("train")]
    [TestCase("finetune")]
    [TestCase("sample")]
    [TestCase("reconstruct")]
    [TestCase("suspect", "build")]
    [TestCase("innocents", "build")]
    [TestCase("innocents", "score")]
    [TestCase("keys", "select")]
    [TestCase("attribute")]
    [TestCase("serve")]
    [TestCase("verify")]
    [TestCase("probe")]
    [TestCase("bench")]
    public void What_computes_takes_a_number_of_threads(params string[] command) =>
        Assert.That(Cudattr.Succeed([.. command, "--help"]).Output, Does.Contain("--device").And.Contain("--threads <n>"));

    [Test]
    public void A_gpu_takes_no_number_of_threads()
    {
        Assert.That(Cudattr.Fail("bench", "--op", "elementwise/add", "--device", "cuda:0", "--threads", "2"), Does.Contain("only cpu and simt"));
        Assert.That(
            Cudattr.Fail("probe", "--model", "x", "--component", "tokenize", "--inputs", "x", "--out", "x", "--threads", "2"),
            Does.Contain("--threads are for parts that compute"));
    }

    [TestCase("kernels")]
    [TestCase("onednn")]
    public void Bench_runs_on_as_many_threads_as_asked(string engine)
    {
        string[] bench = ["bench", "--op", "elementwise/add", "--seconds", "0.01", "--device", "cpu", "--math", engine, "--json", "--threads"];
        foreach (int threads in (int[])[1, 3])
        {
            var device = Cudattr.Succeed([.. bench, $"{threads}"]).Json.GetProperty("device");
            Assert.That(device.GetProperty("multiprocessors").GetInt32(), Is.EqualTo(threads));
        }
    }

    [Test]
    public void Doctor_lists_devices_libraries_and_the_choice()
    {
        var report = Cudattr.Succeed("doctor", "--json").Json;
        using (Assert.EnterMultipleScope())
        {
            var devices = report.GetProperty("devices").EnumerateArray().Select(d => d.GetProperty("id").GetString());
            Assert.That(devices, Does.Contain("cpu").And.Contain("simt"));
            Assert.That(report.GetProperty("auto").GetProperty("reason").GetString(), Is.Not.Empty);
            Assert.That(report.GetProperty("libraries").EnumerateArray().Count(l => l.GetProperty("path").GetString() is not null), Is.EqualTo(4));
        }
    }

    [Test]
    public void Verify_audits_an_op_on_both_host_devices()
    {
        var audit = Cudattr.Succeed("verify", "--op", "elementwise/silu", "--device", "cpu", "--device", "simt", "--json").Json;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(audit.GetProperty("passed").GetBoolean());
            var devices = audit.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("device").GetString()).Distinct();
            Assert.That(devices, Is.EquivalentTo(new[] { "cpu", "simt" }));
        }
    }

    [Test]
    public void Bench_reports_time_and_ceilings()
    {
        var bench = Cudattr.Succeed("bench", "--op", "elementwise/add", "--seconds", "0.05", "--json").Json;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(bench.GetProperty("roofline").GetProperty("fma_gflops").GetDouble(), Is.Positive);
            Assert.That(bench.GetProperty("timings").EnumerateArray().Select(t => t.GetProperty("forward").GetDouble()), Is.All.Positive);
        }
    }

    [Test]
    public void Bench_times_a_network_without_files()
    {
        string[] network = ["bench", "--random", "nano", "--channels", "8", "--size", "8", "--device", "cpu"];
        string[] how = ["--batch", "2", "--sample-batch", "1", "--steps", "2", "--warmup", "1"];
        string text = Cudattr.Succeed([.. network, .. how]).Output;
        Assert.That(text, Does.Contain("training step, batch 2").And.Contain("guided sampling step, 1 pictures").And.Contain("replayed from a graph: "));
        Assert.That(text, Does.Contain("launches").And.Contain("conv2d_fwd_f32 ").And.Contain("optimiser"));
        var sampling = Cudattr.Succeed([.. network, .. how, "--part", "sampling", "--json"]).Json;
        Assert.That(sampling.GetProperty("training").ValueKind, Is.EqualTo(System.Text.Json.JsonValueKind.Null));
        Assert.That(sampling.GetProperty("sampling").GetProperty("replay_ms").GetDouble(), Is.Positive);
    }

    [TestCase("there is no UNet 'sd-v9'", "--random", "sd-v9")]
    [TestCase("belong to --random", "--size", "8")]
    [TestCase("belong to --random", "--model", "nowhere", "--channels", "8")]
    [TestCase("exclude each other", "--random", "nano", "--model", "nowhere")]
    [TestCase("sample_size 6 must be divisible by 4", "--random", "nano", "--size", "6", "--device", "cpu")]
    [TestCase("block_out_channels[0] = 7 must be even", "--random", "nano", "--channels", "7")]
    public void Bench_refuses_what_it_cannot_time(string message, params string[] arguments) =>
        Assert.That(Cudattr.Fail(["bench", .. arguments]), Does.Contain(message));
}
