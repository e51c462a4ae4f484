using System.Text.Json.Nodes;

namespace CudaAttribution.Cli.Tests;

/// <summary>A descriptor trained, judged and used as a user would.</summary>
public sealed class DescriptorTests
{
    private static readonly TestFolder Work = new();

    private static readonly string[] Sets = ["--data", "emoji:google", "--data", "emoji:twitter", "--ledger", Work["runs.db"], "--device", "cpu"];

    private static string Descriptor => Work["run/descriptor"];

    /// <summary>On 2 % of the captions.</summary>
    private static string[] Train(string folder, params string[] more) =>
    [
        "descriptor", "train", "--hold-out", "0.98", "--steps", "24", "--batch", "8", "--width", "2", "--dimensions", "8", "--size", "16", "--seed", "3",
        "--checkpoint-every", "4", "--dtype", "F16", .. Sets, "--out", folder, .. more,
    ];

    [OneTimeSetUp]
    public void TrainOnce() => Cudattr.Succeed(Train(Work["run"]));

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void Killed_and_resumed_gives_the_bits_of_a_run_that_never_stopped()
    {
        using var folder = new TestFolder();
        Cudattr.KillWhen(
            () => Directory.Exists(folder["run/checkpoints"]) && Directory.EnumerateDirectories(folder["run/checkpoints"], "step-*").Any(), Train(folder["run"]));
        Cudattr.Succeed(Train(folder["run"], "--threads", "1"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TestFolder.Contents(folder["run/descriptor"]), Is.EqualTo(TestFolder.Contents(Descriptor)));
            Assert.That(File.ReadAllText(folder["run/losses.csv"]), Is.EqualTo(File.ReadAllText(Work["run/losses.csv"])));
        }
    }

    [Test]
    public void Evaluation_prints_the_bars_and_its_exit_code_says_whether_they_are_met()
    {
        var run = Cudattr.Run(["descriptor", "evaluate", "--descriptor", Descriptor, "--hold-out", "0.03", .. Sets, "--out", Work["judged"]]);
        var result = JsonNode.Parse(File.ReadAllText(Work["judged/evaluation.json"]))!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.ExitCode, Is.EqualTo(3), run.Error);
            Assert.That(run.Output, Does.Contain("AUC").And.Contain("at least 0.97").And.Contain("not accepted"));
            Assert.That((int)result["redrawn"]!, Is.Positive);
            Assert.That((double)result["auc"]!, Is.InRange(0, 1));
        }
    }

    [Test]
    public void Keys_name_the_descriptor_and_go_on_with_no_other()
    {
        string[] sampling = ["--sample-steps", "2", "--seed", "9", "--device", "cpu", "--ledger", Work["runs.db"]];
        Cudattr.Succeed(
        [
            "keys", "select", "--source", Path.Combine(SmallCase.Models, "source"), "--data", "emoji:twitter@0+8#7", "--n", "2", "--draws", "2",
            "--metric", "sscd", "--descriptor", Descriptor, "--threshold", "0.000001", "--lambda", "0", .. sampling, "--out", Work["keys"],
        ]);
        string metric = (string)JsonNode.Parse(File.ReadAllText(Work["keys/keys/keys.json"]))!["header"]!["metric"]!;
        string[] attribute = ["attribute", "--keys", Work["keys/keys"], "--suspect", Path.Combine(SmallCase.Models, "g0"), .. sampling];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(metric, Does.Match("^sscd@[0-9a-f]{32}$"));
            Assert.That(Cudattr.Fail([.. attribute, "--out", Work["other"]]), Does.Contain(metric).And.Contain("--descriptor"));
            Cudattr.Succeed([.. attribute, "--descriptor", Descriptor, "--out", Work["attributed"]]);
            Assert.That((string?)JsonNode.Parse(File.ReadAllText(Work["attributed/result.json"]))!["metric"], Is.EqualTo(metric));
        }
    }

    [Test]
    public void What_is_no_descriptor_is_named()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                Cudattr.Fail(["descriptor", "evaluate", "--descriptor", Work["nothing"], .. Sets, "--out", Work["a"]]), Does.Contain("nothing"));
            Assert.That(
                Cudattr.Fail(["descriptor", "evaluate", "--descriptor", Descriptor, "--hold-out", "0", .. Sets, "--out", Work["b"]]), Does.Contain("--hold-out"));
            Assert.That(Cudattr.Run(Train(Work["c"], "--dimensions", "0")).ExitCode, Is.EqualTo(2));
        }
    }
}
