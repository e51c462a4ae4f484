using System.Text.Json;

namespace CudaAttribution.Cli.Tests;

/// <summary><c>watermark train|mark|read</c> as processes, on a watermark that is hardly trained.</summary>
public sealed class WatermarkTests
{
    private static readonly TestFolder Trained = new();

    private static string[] Train(string folder, params string[] more) =>
    [
        "watermark", "train", "--data", "emoji:google@0+24#1", "--held-out", "emoji:twitter@0+6#1", "--size", "16", "--width", "8", "--decoder", "16", "32",
        "--steps", "12", "--batch", "5", "--checkpoint-every", "2", "--seed", "5", "--device", "cpu", "--out", folder, .. more,
    ];

    private static string[] With(string[] command, string option, string value)
    {
        command[Array.IndexOf(command, option) + 1] = value;
        return command;
    }

    [OneTimeSetUp]
    public void TrainOnce() => Cudattr.Succeed(Train(Trained["run"]));

    [OneTimeTearDown]
    public void Remove() => Trained.Dispose();

    [Test]
    public void Leaves_model_losses_trial_and_manifest()
    {
        using var trial = JsonDocument.Parse(File.ReadAllText(Trained["run/trial.json"]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(File.ReadLines(Trained["run/losses.csv"]).Count(), Is.EqualTo(13));
            Assert.That(Directory.Exists(Trained["run/checkpoints"]), Is.False);
            Assert.That(trial.RootElement.GetProperty("schema").GetString(), Is.EqualTo("cudattr-watermark-trial-1"));
            Assert.That(trial.RootElement.GetProperty("rows").GetArrayLength(), Is.EqualTo(10));
            Assert.That(File.ReadAllText(Trained["run/manifest.json"]), Does.Contain("model/watermark.safetensors").And.Contain("held-out"));
        }
    }

    [Test]
    public void Killed_and_resumed_gives_the_bits_of_a_run_that_never_stopped()
    {
        using var folder = new TestFolder();
        Cudattr.KillWhen(
            () => Directory.Exists(folder["run/checkpoints"]) && Directory.EnumerateDirectories(folder["run/checkpoints"], "step-*").Any(), Train(folder["run"]));
        Cudattr.Succeed(Train(folder["run"]));
        Assert.That(TestFolder.Contents(folder["run/model"]), Is.EqualTo(TestFolder.Contents(Trained["run/model"])));
        Assert.That(File.ReadAllText(folder["run/trial.json"]), Is.EqualTo(File.ReadAllText(Trained["run/trial.json"])));
    }

    [Test]
    public void What_was_marked_is_read()
    {
        using var folder = new TestFolder();
        string[] mark = ["watermark", "mark", "--model", Trained["run/model"], "--data", "emoji:twitter@0+5#1", "--device", "cpu", "--out", folder["m"]];
        Cudattr.Succeed(mark);
        string record = File.ReadAllText(folder["m/mark.json"]);
        Cudattr.Succeed(mark);
        Assert.That(File.ReadAllText(folder["m/mark.json"]), Is.EqualTo(record), "the message is drawn once");
        string[] read =
        [
            "watermark", "read", "--model", Trained["run/model"], "--pictures", folder["m/pictures"], "--device", "cpu", "--out", folder["r"], "--json", "--message",
        ];
        using var json = JsonDocument.Parse(Cudattr.Succeed([.. read, folder["m/mark.json"]]).Output);
        string message = json.RootElement.GetProperty("message").GetString()!;
        using var again = JsonDocument.Parse(Cudattr.Succeed([.. read, message]).Output);
        using var file = JsonDocument.Parse(File.ReadAllText(folder["r/reading.json"]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(record, Does.Contain(message));
            Assert.That(json.RootElement.GetProperty("schema").GetString(), Is.EqualTo("cudattr-watermark-reading-1"));
            Assert.That(json.RootElement.GetProperty("pictures").GetInt32(), Is.EqualTo(5));
            Assert.That(json.RootElement.GetProperty("readings").GetArrayLength(), Is.EqualTo(5));
            Assert.That(again.RootElement.GetProperty("key_p").GetDouble(), Is.EqualTo(json.RootElement.GetProperty("key_p").GetDouble()));
            Assert.That(file.RootElement.GetProperty("bit_accuracy").GetDouble(), Is.EqualTo(json.RootElement.GetProperty("bit_accuracy").GetDouble()));
        }
        Assert.That(
            Cudattr.Fail([.. mark[..5], "emoji:google@0+5#1", .. mark[6..]]), Does.Contain("data"), "another set does not go into the same folder");
    }

    [Test]
    public void Mistakes_are_named()
    {
        using var folder = new TestFolder();
        string[] read = ["watermark", "read", "--device", "cpu", "--out", folder["r"]];
        string model = Trained["run/model"];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Cudattr.Fail([.. read, "--model", model, "--pictures", folder["none"], "--message", "00000000"]), Does.Contain("no such folder"));
            Assert.That(Cudattr.Fail([.. read, "--model", folder["none"], "--pictures", SmallCase.Models, "--message", "00000000"]), Does.Contain("does not exist"));
            Assert.That(Cudattr.Fail([.. read, "--model", model, "--pictures", SmallCase.Models, "--message", "xyz"]), Does.Contain("8 hexadecimal digits"));
            Assert.That(Cudattr.Run([.. read, "--model", model, "--pictures", "x", "--message", "0", "--threshold", "33"]).ExitCode, Is.EqualTo(2));
            Assert.That(Cudattr.Fail(With(Train(folder["t"]), "--size", "20")), Does.Contain("multiple of 16"));
            Assert.That(Cudattr.Fail(Train(folder["t"], "--through", Path.Combine(SmallCase.Models, "g0"))), Does.Contain("no autoencoder"));
            Assert.That(Cudattr.Fail(With(Train(folder["t"]), "--batch", "4")), Does.Contain("5 kinds of noise").And.Contain("--batch"));
        }
    }
}
