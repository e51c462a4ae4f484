using System.Text.Json;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Cli.Tests;

/// <summary>Parts of a model on given tensors, and traces compared, through the command line.</summary>
public sealed class ProbeTests
{
    private static readonly string Model = Path.Combine(AppContext.BaseDirectory, "models/source");
    private static readonly TestFolder Work = new();

    [OneTimeSetUp]
    public void WriteInputs() => SafetensorsWriter.Write(Work["unet.safetensors"], new Dictionary<string, HostTensor>
    {
        ["sample"] = HostTensor.From(Wave(2 * 3 * 16 * 16), new Shape(2, 3, 16, 16)),
        ["timestep"] = HostTensor.From([481L], new Shape(1)),
        ["encoder_hidden_states"] = HostTensor.From(Wave(2 * 20 * 64), new Shape(2, 20, 64)),
    });

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void A_trace_is_the_same_on_every_device_and_another_engine_drifts()
    {
        Probe("cpu", "--device", "cpu");
        Probe("simt", "--device", "simt");
        Probe("dnnl", "--device", "cpu", "--math", "onednn");
        Assert.That(File.ReadAllBytes(Work["simt.safetensors"]), Is.EqualTo(File.ReadAllBytes(Work["cpu.safetensors"])));

        var same = Cudattr.Succeed("diff", Work["simt"], Work["cpu"], "--limit", "0", "--json").Json;
        Assert.That(same.GetProperty("compared").GetInt32(), Is.GreaterThan(100));
        Assert.That(same.GetProperty("first_drift").ValueKind, Is.EqualTo(JsonValueKind.Null));

        var drift = Cudattr.Run("diff", Work["dnnl"], Work["cpu"], "--limit", "0");
        Assert.That(drift.ExitCode, Is.EqualTo(3), drift.Error);
        Assert.That(drift.Output, Does.Match(@"the first of \d+ layers that drifts is [a-z0-9_.]+: NMSE \d\.\de-\d+"));
        Assert.That(Cudattr.Succeed("diff", Work["dnnl"], Work["cpu"]).Output, Does.Contain("none drifts by more than 1e-7"));
    }

    [Test]
    public void Prompts_become_token_numbers()
    {
        File.WriteAllText(Work["texts.json"], """["red apple", ""]""");
        Cudattr.Succeed("probe", "--model", Model, "--component", "tokenize", "--inputs", Work["texts.json"], "--out", Work["ids.json"]);
        var ids = JsonDocument.Parse(File.ReadAllText(Work["ids.json"])).RootElement;
        Assert.That(ids.GetArrayLength(), Is.EqualTo(2));
        Assert.That(ids[0].GetArrayLength(), Is.EqualTo(20));
        Assert.That(ids[1].EnumerateArray().Take(3).Select(v => v.GetInt32()), Is.EqualTo(new[] { 1, 2, 0 }), "start, end, padding");
    }

    [Test]
    public void Mistakes_are_named()
    {
        string[] probe = ["probe", "--model", Model, "--inputs", Work["unet.safetensors"], "--out", Work["never.safetensors"]];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Cudattr.Fail([.. probe, "--component", "vae-decode"]), Does.Contain("model_index.json names no 'vae'"));
            Assert.That(Cudattr.Fail([.. probe, "--component", "text"]), Does.Contain("the input 'input_ids' is missing"));
            Assert.That(Cudattr.Fail([.. probe, "--component", "unett"]), Does.Contain("unknown component 'unett'"));
            Assert.That(Cudattr.Fail([.. probe, "--component", "tokenize"]), Does.Contain("a JSON list of strings is expected"));
            Assert.That(Cudattr.Fail("diff", Work.Root, Work.Root), Does.Contain("layers.json"));
            Assert.That(File.Exists(Work["never.safetensors"]), Is.False);
        }
    }

    private static void Probe(string name, params string[] options) => Cudattr.Succeed(
    [
        "probe", "--model", Model, "--component", "unet", "--inputs", Work["unet.safetensors"], "--out", Work[$"{name}.safetensors"],
        "--trace", Work[name], .. options,
    ]);

    private static float[] Wave(int count) => [.. Enumerable.Range(0, count).Select(i => MathF.Sin(0.7f * i) + MathF.Cos(0.013f * i * i % 7))];
}
