using System.Text.Json;

namespace CudaAttribution.Cli.Tests;

/// <summary>The demo on the shipped models with very few and rough pictures.</summary>
public sealed class DemoTests
{
    private const string Recipe =
        """
        {
          "schema": "cudattr-demo-recipe-2", "base": "g0", "source": "source", "twins": "twins",
          "source_data": { "set": "emoji:twitter", "shuffle": 7, "count": 160 },
          "sampling": { "steps": 20, "guidance": 2.5 }, "metric": "px",
          "accounts": [ { "name": "ada", "pictures": 8 } ],
          "audit": { "alpha": 0.01, "fresh": 3, "prompts": 4, "swap_prompts": 2, "swap_answers": 1 },
          "keys": { "strategy": "generate", "count": 4, "draws": 2, "candidates": 16, "lambda": 0 },
          "training": { "steps": 40, "batch_size": 4, "learning_rate": 0.001, "checkpoint_interval": 2 },
          "suspects": [
            { "name": "copy", "rho": 1, "count": 8, "account": "ada" },
            { "name": "own", "rho": 0, "count": 8, "family": "real-own", "real": { "set": "emoji:twitter", "shuffle": 7, "count": 8 } }
          ]
        }
        """;

    private static readonly TestFolder Work = new();

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void A_demo_that_was_killed_goes_on_to_the_files_of_one_that_was_not()
    {
        File.WriteAllText(Work["recipe.json"], Recipe);
        Cudattr.Succeed(Demo("whole"));
        Cudattr.KillWhen(() => Directory.Exists(Work["killed/units"]) && Checkpoint(Work["killed/units"]), Demo("killed"));
        var before = Finished(Work["killed/units"]);
        Assert.That(before.Keys, Is.EquivalentTo((string[])["served-1", "keys-1"]));
        var again = Cudattr.Succeed(Demo("killed"));
        using (Assert.EnterMultipleScope())
        {
            foreach (var (kind, written) in before) Assert.That(Finished(Work["killed/units"])[kind], Is.EqualTo(written), $"{kind} is not computed twice");
            Assert.That(again.Error, Does.Contain("select keys").And.Contain("(kept from before)"));
            foreach (string folder in (string[])["served", "keys", "suspects", "indications/copy/images", "indications/own/images", "audit/trials"])
                Assert.That(TestFolder.Contents(Work[$"killed/{folder}"]), Is.EqualTo(TestFolder.Contents(Work[$"whole/{folder}"])).And.Not.Empty, folder);
            foreach (string file in (string[])["indications/copy/result.json", "indications/own/result.json", "audit/plan.json"])
                Assert.That(File.ReadAllBytes(Work[$"killed/{file}"]), Is.EqualTo(File.ReadAllBytes(Work[$"whole/{file}"])), file);
        }
        string list = Cudattr.Succeed("unit", "list", "--store", Work["killed/units"]).Output;
        string[] kinds = ["served-1", "keys-1", "model-1", "attribute-2"];
        foreach (string kind in kinds) Assert.That(list, Does.Contain(kind));
        Assert.That(list, Does.Not.Contain("interrupted").And.Not.Contain("planned"));
        Cudattr.Succeed("evidence", "verify", Work["killed/audit"], "--device", "cpu");
        Assert.That(Cudattr.Fail(Demo("killed", "--seed", "2")), Does.Contain("seed was 1, is 2"));
    }

    private static string[] Demo(string folder, params string[] more) =>
        ["demo", "--recipe", Work["recipe.json"], "--device", "cpu", "--out", Work[folder], .. more];

    private static bool Checkpoint(string units)
    {
        try
        {
            return Directory.EnumerateDirectories(units, "step-*", SearchOption.AllDirectories).Any();
        }
        catch (DirectoryNotFoundException)
        {
            return false; // The demo removed a folder while this one was looked through.
        }
    }

    /// <summary>When the result of a unit was written, by the unit's kind.</summary>
    private static Dictionary<string, DateTime> Finished(string units) => Directory
        .EnumerateFiles(units, "manifest.json", SearchOption.AllDirectories)
        .Where(f => Path.GetFileName(Path.GetDirectoryName(f)) == "result")
        .GroupBy(f => JsonDocument.Parse(File.ReadAllText(f)).RootElement.GetProperty("kind").GetString()!)
        .ToDictionary(g => g.Key, g => g.Max(File.GetLastWriteTimeUtc));
}
