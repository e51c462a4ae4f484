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
            "suspect", "innocents", "keys", "attribute", "serve", "runs", "data", "verify", "convert", "probe", "diff", "bench", "doctor",
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

    [Test]
    public void Doctor_lists_devices_libraries_and_the_choice()
    {
        var report = Cudattr.Succeed("doctor", "--json").Json;
        using (Assert.EnterMultipleScope())
        {
            var devices = report.GetProperty("devices").EnumerateArray().Select(d => d.GetProperty("id").GetString());
            Assert.That(devices, Does.Contain("cpu").And.Contain("simt"));
            Assert.That(report.GetProperty("auto").GetProperty("reason").GetString(), Is.Not.Empty);
            Assert.That(report.GetProperty("libraries").EnumerateArray().Count(l => l.GetProperty("path").GetString() is not null), Is.EqualTo(5));
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
}
