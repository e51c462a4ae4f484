namespace CudaAttribution.Cli.Tests;

/// <summary>Training as a process: results, a kill in the middle, and model files that are damaged.</summary>
public sealed class TrainingTests
{
    private static readonly TestFolder Trained = new();

    private static string[] Train(string folder, params string[] more) =>
    [
        "train", "--preset", "nano", "--data", "emoji:google@0+24#1", "--steps", "24", "--batch", "8", "--checkpoint-every", "4",
        "--seed", "5", "--device", "cpu", "--out", folder, .. more,
    ];

    [OneTimeSetUp]
    public void TrainOnce() => Cudattr.Succeed(Train(Trained["run"]));

    [OneTimeTearDown]
    public void Remove() => Trained.Dispose();

    [Test]
    public void Leaves_model_losses_report_and_manifest()
    {
        string[] files = ["model/model_index.json", "model/unet/diffusion_pytorch_model.safetensors", "losses.csv", "report.html", "manifest.json"];
        using (Assert.EnterMultipleScope())
        {
            foreach (string file in files) Assert.That(File.Exists(Path.Combine(Trained["run"], file)), file);
            Assert.That(File.ReadLines(Path.Combine(Trained["run"], "losses.csv")).Count(), Is.EqualTo(25));
            Assert.That(Directory.Exists(Path.Combine(Trained["run"], "checkpoints")), Is.False);
        }
    }

    [Test]
    public void Killed_and_resumed_gives_the_bits_of_a_run_that_never_stopped()
    {
        using var folder = new TestFolder();
        Cudattr.KillWhen(() => HasCheckpoint(folder["run"]), Train(folder["run"]));
        Assert.That(Directory.Exists(Path.Combine(folder["run"], "model")), Is.False, "nothing half-written");
        Cudattr.Succeed(Train(folder["run"]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TestFolder.Contents(folder["run/model"]), Is.EqualTo(TestFolder.Contents(Trained["run/model"])));
            Assert.That(File.ReadAllText(folder["run/losses.csv"]), Is.EqualTo(File.ReadAllText(Trained["run/losses.csv"])));
        }
    }

    [TestCase("1")]
    [TestCase("3")]
    public void Any_number_of_threads_gives_the_same_bits(string threads)
    {
        using var folder = new TestFolder();
        Cudattr.Succeed(Train(folder["run"], "--threads", threads));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TestFolder.Contents(folder["run/model"]), Is.EqualTo(TestFolder.Contents(Trained["run/model"])));
            Assert.That(File.ReadAllText(folder["run/losses.csv"]), Is.EqualTo(File.ReadAllText(Trained["run/losses.csv"])));
            Assert.That(File.ReadAllText(folder["run/manifest.json"]), Does.Match($"\"multiprocessors\": {threads},?\\s"));
        }
    }

    [Test]
    public void A_missing_model_is_named_with_its_path()
    {
        using var folder = new TestFolder();
        Assert.That(Cudattr.Fail("sample", "--model", folder["nothing"], "--prompt", "x", "--out", folder["out"]), Does.Contain(folder["nothing"]));
    }

    [Test]
    public void Truncated_weights_are_named()
    {
        using var folder = new TestFolder();
        string weights = CopyModel(folder);
        using (var file = File.OpenWrite(weights)) file.SetLength(file.Length - 100);
        Assert.That(Cudattr.Fail(Sample(folder)), Does.Contain(Path.GetFileName(weights)));
    }

    [Test]
    public void Weights_that_are_not_numbers_are_named()
    {
        using var folder = new TestFolder();
        string weights = CopyModel(folder);
        using (var file = File.OpenWrite(weights))
        {
            file.Seek(-4, SeekOrigin.End);
            file.Write(BitConverter.GetBytes(float.NaN));
        }
        Assert.That(Cudattr.Fail(Sample(folder)), Does.Contain("NaN"));
    }

    [Test]
    public void Weights_of_another_shape_are_named()
    {
        using var folder = new TestFolder();
        CopyModel(folder);
        string config = folder["model/unet/config.json"];
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"cross_attention_dim\": 64", "\"cross_attention_dim\": 32"));
        Assert.That(Cudattr.Fail(Sample(folder)), Does.Contain("attn2").Or.Contain("cross_attention_dim"));
    }

    [Test]
    public void A_folder_that_cannot_be_written_is_named_before_anything_is_computed()
    {
        using var folder = new TestFolder();
        folder.Write("file", "not a folder");
        Assert.That(Cudattr.Fail(Train(folder["file/out"])), Does.Contain(folder["file/out"]));
    }

    [Test]
    public void Continuing_with_other_settings_is_refused()
    {
        using var folder = new TestFolder();
        Cudattr.KillWhen(() => HasCheckpoint(folder["run"]), Train(folder["run"]));
        Assert.That(Cudattr.Fail(Train(folder["run"], "--lr", "0.5")), Does.Contain("another run"));
    }

    private static bool HasCheckpoint(string run)
    {
        string checkpoints = Path.Combine(run, "checkpoints");
        return Directory.Exists(checkpoints) && Directory.EnumerateDirectories(checkpoints, "step-*").Any();
    }

    private static string[] Sample(TestFolder folder) =>
        ["sample", "--model", folder["model"], "--prompt", "x", "--sample-steps", "2", "--out", folder["out"]];

    private static string CopyModel(TestFolder folder)
    {
        string from = Path.Combine(Trained["run"], "model");
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(folder["model"], Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
        return folder["model/unet/diffusion_pytorch_model.safetensors"];
    }
}
