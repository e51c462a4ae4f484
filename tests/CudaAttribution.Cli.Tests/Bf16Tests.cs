namespace CudaAttribution.Cli.Tests;

/// <summary>The engine <c>bf16</c> as a process: on the emulated GPU, on <c>simt</c>, and where it is refused.</summary>
public sealed class Bf16Tests
{
    private static readonly string Models = Path.Combine(AppContext.BaseDirectory, "models");
    private static readonly TestFolder Work = new();
    private static readonly FakeGpu Fake = new();

    private static string[] Finetune =>
        ["finetune", "--base", Path.Combine(Models, "g0"), "--data", "emoji:openmoji@0+8#3", "--steps", "1", "--batch", "2", "--math", "bf16"];

    [OneTimeTearDown]
    public void Remove()
    {
        Work.Dispose();
        Fake.Dispose();
    }

    [Test]
    public void Products_pass_the_audit_on_the_emulated_gpu()
    {
        foreach (string op in new[] { "linear", "conv2d" })
        {
            var result = Cudattr.Run(Fake.Driver("libcuattr_simt.so"), "verify", "--device", "all", "--math", "bf16", "--op", op, "--json");
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            var checks = result.Json.GetProperty("results").EnumerateArray()
                .Select(r => (r.GetProperty("device").GetString(), r.GetProperty("check").GetString())).ToHashSet();
            Assert.That(checks, Does.Contain(("cuda:0", "forward, unrounded")).And.Contain(("simt", "gradient, unrounded")));
            Assert.That(checks.Select(c => c.Item1).Distinct(), Is.EquivalentTo(new[] { "simt", "cuda:0" }));
        }
    }

    [Test]
    public void A_training_step_on_the_emulated_gpu_has_the_bits_of_simt_and_names_its_precision()
    {
        var emulated = Cudattr.Run(Fake.Driver("libcuattr_simt.so"), [.. Finetune, "--device", "cuda:0", "--out", Work["gpu"]]);
        Assert.That(emulated.ExitCode, Is.Zero, emulated.Error);
        var simt = Cudattr.Succeed([.. Finetune, "--device", "simt", "--out", Work["simt"]]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TestFolder.Contents(Work["gpu/model"]), Is.EqualTo(TestFolder.Contents(Work["simt/model"])).And.Not.Empty);
            Assert.That(File.ReadAllText(Work["gpu/manifest.json"]), Does.Contain("\"math_library\": \"bf16, f32 sums and masters\""));
            Assert.That(simt.Error, Does.Contain("maths bf16, f32 sums and masters"));
        }
    }

    [TestCase("bench", "--op", "linear")]
    [TestCase("verify", "--op", "linear")]
    public void Cpu_is_refused_in_one_sentence(params string[] command) =>
        Assert.That(
            Cudattr.Fail([.. command, "--device", "cpu", "--math", "bf16"]),
            Does.Contain("bf16 runs on simt and cuda:N only, not on cpu").And.Contain("use kernels"));

    [Test]
    public void Doctor_lists_the_engines_with_their_precision()
    {
        var engines = Cudattr.Succeed("doctor", "--json").Json.GetProperty("math").EnumerateArray()
            .ToDictionary(e => e.GetProperty("name").GetString()!, e => e.GetProperty("precision").GetString());
        Assert.That(engines.Keys, Is.EquivalentTo(new[] { "kernels", "onednn", "cublas-cudnn", "bf16" }));
        Assert.That(engines["bf16"], Is.EqualTo("BF16 operands, F32 sums"));
        Assert.That(Cudattr.Succeed("doctor").Output, Does.Contain("  bf16         simt, cuda:N"));
    }
}
