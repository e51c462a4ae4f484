using System.Text.Json.Nodes;

namespace CudaAttribution.Cli.Tests;

/// <summary>Shadows, discriminator and score through the command line, on models that learn next to nothing.</summary>
public sealed class DiscriminatorTests
{
    private static readonly TestFolder Work = new();

    private static string Base => Path.Combine(SmallCase.Models, "g0");

    private static string[] Plan =>
    [
        "shadow", "plan", "--source", Path.Combine(SmallCase.Models, "source"), "--base", Base, "--keys", SmallCase.Keys, "--prompts", "emoji:twitter@0+20#7",
        "--real", "emoji:openmoji@0+60#3", "--each", "2", "--n", "6", "--rho", "0.5", "1", "--baseline-draws", "2", "--steps", "2", "--batch", "2",
        "--device", "cpu", "--seed", "4", "--out", Work["shadows"],
    ];

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void From_shadows_to_a_score_that_is_no_verdict()
    {
        Assert.That(Cudattr.Succeed(Plan).Output, Does.Contain("2 infringing and 2 innocent shadows, 6 pictures each").And.Contain("cudattr shadow train"));
        Assert.That(Cudattr.Fail("discriminator", "train", Work["shadows"], "--out", Work["early"]), Does.Contain("Train the shadows first"));
        Assert.That(Directory.Exists(Work["early"]), Is.False, "nothing half-written");
        Assert.That(Cudattr.Succeed("shadow", "train", Work["shadows"]).Output, Does.Contain("9 units"));
        Assert.That(
            Cudattr.Succeed("discriminator", "train", Work["shadows"], "--out", Work["learned"]).Output,
            Does.Contain("infringing shadows, each held out: ").And.Contain("threshold "));
        var learned = JsonNode.Parse(File.ReadAllText(Work["learned/discriminator.json"]))!;
        Assert.That(learned["shadows"]!.AsArray().Select(s => (double)s!["rho"]!), Is.EqualTo(new[] { 0.5, 0, 1, 0 }));

        string[] command = ["discriminator", "score", "--discriminator", Work["learned"], "--suspect", SmallCase.Suspect, .. SmallCase.Sampling];
        var run = Cudattr.Succeed([.. command, "--out", Work["score"]]);
        var score = JsonNode.Parse(File.ReadAllText(Work["score/score.json"]))!;
        double[] Numbers(JsonNode? node) => [.. node!.AsArray().Select(n => (double)n!)];
        double[] weights = Numbers(learned["regression"]!["weights"]), mean = Numbers(learned["standardisation"]!["mean"]), scale = Numbers(learned["standardisation"]!["scale"]);
        var rows = JsonNode.Parse(File.ReadAllText(Work["score/features.json"]))!["rows"]!.AsArray().Select(Numbers);
        double expected = rows.Average(row => (double)learned["regression"]!["intercept"]! + row.Select((f, k) => weights[k] * (f - mean[k]) / scale[k]).Sum());
        using (Assert.EnterMultipleScope())
        {
            Assert.That((double)score["score"]!["score"]!, Is.EqualTo(expected).Within(1e-9));
            Assert.That((bool)score["score"]!["infringing"]!, Is.EqualTo(expected > (double)learned["threshold"]!));
            Assert.That(run.Output, Does.Contain("makes no verdict").And.Contain("the threshold"));
            Assert.That(Cudattr.Succeed([.. command, "--out", Work["again"]]).Output, Is.EqualTo(run.Output));
        }
        // The same keys, seed and purpose: the same answers, and so the same score.
        string[] attribute = ["attribute", "--keys", SmallCase.Keys, "--suspect", SmallCase.Suspect, .. SmallCase.Sampling, "--discriminator", Work["learned"]];
        Assert.That(Cudattr.Succeed([.. attribute, "--out", Work["attributed"]]).Output, Does.Contain("discriminator: score "));
        var result = JsonNode.Parse(File.ReadAllText(Work["attributed/result.json"]))!;
        Assert.That(result["discriminator"]!.ToJsonString(), Is.EqualTo(score["score"]!.ToJsonString()));
        Assert.That(File.ReadAllText(Work["attributed/report.html"]), Does.Contain("<h2>Discriminator</h2>").And.Contain("a score makes no verdict"));
        File.AppendAllText(Work["learned/keys/keys.json"], " ");
        Cudattr.Succeed([.. command, "--out", Work["score"]]);
        File.WriteAllBytes(Work["learned/baseline/0000.png"], File.ReadAllBytes(Work["learned/baseline/0001.png"]));
        Assert.That(Cudattr.Fail([.. command, "--out", Work["tampered"]]), Does.Contain("0000.png"));
    }

    [Test]
    public void What_makes_no_sense_is_refused()
    {
        using var folder = new TestFolder();
        string Refused(string option, string value)
        {
            string[] plan = [.. Plan.TakeWhile(a => a != "--out"), "--out", folder["plan"]];
            int at = Array.IndexOf(plan, option);
            return at < 0 ? Cudattr.Fail([.. plan, option, value]) : Cudattr.Fail([.. plan[..(at + 1)], value, .. plan[(at + 2)..]]);
        }
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Refused("--each", "1"), Does.Contain("1 shadows of each class are wanted"));
            Assert.That(Refused("--n", "0"), Does.Contain("has 0 pictures"));
            Assert.That(Refused("--draws", "3"), Does.Contain("Ask once or twice"));
            Assert.That(Refused("--measure", "eye"), Does.Contain("unknown metric 'eye'"));
            Assert.That(Refused("--source", Base), Does.Contain("a model of other weights than this source"));
            Assert.That(Cudattr.Run("experiment", "paper", "--budget", "huge", "--out", folder["p"]).ExitCode, Is.EqualTo(2));
            Assert.That(Cudattr.Fail("experiment", "paper", "--budget", "quick", "--recipe", "x.json", "--out", folder["p"]), Does.Contain("contradict"));
            Assert.That(Cudattr.Fail("experiment", "paper", "--models", folder["none"], "--out", folder["p"]), Does.Contain("has no 'g0'"));
        }
    }
}
