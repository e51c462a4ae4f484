namespace CudaAttribution.Cli.Tests;

/// <summary>The options of <c>finetune</c> that decide memory and what is trained, as a process.</summary>
public sealed class FineTuningTests
{
    private static readonly TestFolder Folder = new();

    private static string[] Finetune(string folder, params string[] more) =>
    [
        "finetune", "--base", Folder["base/model"], "--data", "emoji:openmoji@0+12#1", "--steps", "24", "--batch", "4", "--checkpoint-every", "2",
        "--lr", "0.01", "--seed", "5", "--device", "cpu", "--out", Folder[folder], .. more,
    ];

    [OneTimeSetUp]
    public void TrainBase() => Cudattr.Succeed(
        "train", "--preset", "nano", "--data", "emoji:google@0+12#1", "--steps", "2", "--batch", "4", "--device", "cpu", "--out", Folder["base"]);

    [OneTimeTearDown]
    public void Remove() => Folder.Dispose();

    [Test]
    public void Checkpointed_activations_give_the_same_bits()
    {
        Cudattr.Succeed(Finetune("plain"));
        Cudattr.Succeed(Finetune("again", "--checkpoint-activations"));
        Assert.That(TestFolder.Contents(Folder["again/model"]), Is.EqualTo(TestFolder.Contents(Folder["plain/model"])));
    }

    [Test]
    public void An_adapter_is_written_and_can_be_added_to_the_base()
    {
        string[] options = ["--lora-rank", "2", "--lora-alpha", "4", "--accumulate", "2", "--min-snr", "5"];
        Cudattr.KillWhen(() => Directory.Exists(Folder["killed/checkpoints/step-00000002"]), Finetune("killed", options));
        Cudattr.Succeed(Finetune("killed", options));
        Cudattr.Succeed(Finetune("lora", options));
        const string Adapter = "pytorch_lora_weights.safetensors";
        Assert.That(File.ReadAllBytes(Folder[$"killed/{Adapter}"]), Is.EqualTo(File.ReadAllBytes(Folder[$"lora/{Adapter}"])), "resumed");
        string[] Sample(string folder, params string[] model) =>
            ["sample", "--prompt", "a red apple", "--sample-steps", "2", "--seed", "1", "--device", "cpu", "--out", Folder[folder], .. model];
        Cudattr.Succeed(Sample("merged", "--model", Folder["lora/model"]));
        Cudattr.Succeed(Sample("added", "--model", Folder["base/model"], "--lora", Folder[$"lora/{Adapter}"]));
        Cudattr.Succeed(Sample("without", "--model", Folder["base/model"]));
        Assert.That(Picture("added"), Is.EqualTo(Picture("merged")));
        Assert.That(Picture("without"), Is.Not.EqualTo(Picture("merged")));

        byte[] Picture(string folder) => File.ReadAllBytes(Directory.EnumerateFiles(Folder[folder], "*.png", SearchOption.AllDirectories).First());
    }

    [Test]
    public void What_does_not_fit_is_refused_with_the_plan()
    {
        string message = Cudattr.Fail(Finetune("large", "--memory-limit", "0.001"));
        Assert.That(message, Does.Contain("optimiser").And.Contain("activations").And.Contain("the limit is 1.0 MB").And.Contain("a smaller batch"));
        Assert.That(Directory.Exists(Folder["large/model"]), Is.False);
    }

    [TestCase("--memory-limit", "0", "--memory-limit")]
    [TestCase("--accumulate", "3", "divisor of the batch size 4")]
    [TestCase("--lora-alpha", "3", "--lora-rank")]
    [TestCase("--lora-rank", "0", "rank")]
    [TestCase("--min-snr", "-1", "MinSnrGamma")]
    [TestCase("--weight-decay", "2", "weight decay")]
    [TestCase("--max-grad-norm", "-1", "MaxGradientNorm")]
    public void Values_that_make_no_sense_are_named(string option, string value, string named) =>
        Assert.That(Cudattr.Fail(Finetune("wrong", option, value)), Does.Contain(named));
}
