using System.Text.Json.Nodes;

namespace CudaAttribution.Cli.Tests;

/// <summary>A reduced campaign on the shipped models: the exact tests accuse a model that learned from served pictures, and no other.</summary>
public sealed class ExperimentTests
{
    private const string Recipe =
        """
        {
          "schema": "cudattr-calibration-recipe-1", "base": "g0", "source": "source", "twins": "twins",
          "sampling": { "steps": 20, "guidance": 2.5 },
          "training": { "steps": 240, "batch_size": 16, "learning_rate": 0.001, "warmup_steps": 20, "ema_decay": 0.99, "checkpoint_interval": 100 },
          "law": { "steps": [40, 60], "count": [40, 80] },
          "fresh": 7, "pictures": 14, "queries": 14, "logs": 300, "swap_prompts": 64, "swap_answers": 1, "swap_roles": 60,
          "guilty_logs": 1, "guilty_swaps": 1,
          "families": [
            { "name": "real-own", "models": 1, "first_seed": 41, "real": { "set": "emoji:twitter", "shuffle": 7, "count": 160 } },
            { "name": "real-other", "models": 1, "first_seed": 42, "real": { "set": "emoji:openmoji", "shuffle": 11, "count": 400 } }
          ],
          "guilty": [ { "name": "copy", "rho": 1, "count": 80, "served": 80, "queries": 14, "models": 1, "first_seed": 43 } ]
        }
        """;

    private static readonly TestFolder Work = new();

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void A_reduced_campaign_accuses_the_copy_and_nobody_else()
    {
        Work.Write("recipe.json", Recipe);
        string[] command = ["experiment", "calibration", "--recipe", Work["recipe.json"], "--device", "cpu", "--out", Work["campaign"]];
        var run = Cudattr.Succeed(command);
        var rows = JsonNode.Parse(File.ReadAllText(Work["campaign/calibration.json"]))!["rows"]!.AsArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Output, Is.EqualTo(File.ReadAllText(Work["campaign/calibration.md"])));
            foreach (string group in (string[])["real-own", "real-other"])
            {
                // Of 300 logs at most 1 % and four standard deviations.
                Assert.That(Alarms(group, "served-versus-fresh"), Is.LessThanOrEqualTo(10), group);
                Assert.That(Alarms(group, "served-versus-fresh, sequential"), Is.LessThanOrEqualTo(10), group);
                // Of 100 models one has p = 0.01, and it is among 60.
                Assert.That(Alarms(group, "source-swap"), Is.LessThanOrEqualTo(1), group);
            }
            Assert.That(Alarms("copy", "served-versus-fresh"), Is.EqualTo(1));
            Assert.That(Alarms("copy", "served-versus-fresh, sequential"), Is.EqualTo(1));
            Assert.That(Alarms("copy", "source-swap"), Is.EqualTo(1));
        }
        var manifest = JsonNode.Parse(File.ReadAllText(Work["campaign/manifest.json"]))!;
        Assert.That(manifest["outputs"]!.AsObject().Select(f => f.Key), Is.EqualTo(new[] { "calibration-run.json", "calibration.json", "calibration.md" }));
        Assert.That(Cudattr.Succeed(command).Error, Does.Not.Contain("training"), "what is finished is not computed again");
        Assert.That(Cudattr.Fail([.. command, "--seed", "2"]), Does.Contain("seed was 1, is 2"));

        int Alarms(string group, string test) => (int)rows.Single(r => (string?)r!["group"] == group && (string?)r["test"] == test)!["rates"]![2]!["alarms"]!;
    }
}
