namespace CudaAttribution.Cli.Tests;

/// <summary>From keys to indications through the command line, on the shipped models with very few and rough pictures.</summary>
public sealed class PipelineTests
{
    private static readonly TestFolder Work = new();

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void The_same_seed_gives_the_same_result_and_pictures_bit_for_bit()
    {
        Cudattr.Succeed(Attribute("one"));
        Cudattr.Succeed(Attribute("two"));
        string[] compared = ["result.json", "null.json"];
        using (Assert.EnterMultipleScope())
        {
            foreach (string file in compared)
            {
                Assert.That(File.ReadAllBytes(Work[$"two/{file}"]), Is.EqualTo(File.ReadAllBytes(Work[$"one/{file}"])), file);
            }
            Assert.That(TestFolder.Contents(Work["two/images"]), Is.EqualTo(TestFolder.Contents(Work["one/images"])).And.Not.Empty);
        }
    }

    [Test]
    public void The_result_holds_what_its_readers_rely_on()
    {
        var result = Cudattr.Succeed(Attribute("fields", "--json")).Json;
        string[] fields = ["schema", "indications", "published", "threshold", "metric", "keys"];
        using (Assert.EnterMultipleScope())
        {
            foreach (string field in fields) Assert.That(result.TryGetProperty(field, out _), field);
            var conf = result.GetProperty("indications")[0];
            Assert.That(conf.GetProperty("count").GetInt32(), Is.LessThan(3), "four steps on other pictures leave nothing of the source");
            Assert.That(conf.GetProperty("without_p").GetString(), Does.StartWith("too few references: real-other m = 1, floor 0.5; ").And.EndWith("twin m = 0"));
            Assert.That(result.GetProperty("published").GetProperty("accuses").GetBoolean(), Is.False);
            Assert.That(result.GetProperty("keys").GetArrayLength(), Is.EqualTo(6));
            Assert.That(result.GetProperty("keys")[0].TryGetProperty("distance", out _));
        }
        Assert.That(Cudattr.Succeed("runs", "list").Output, Does.Contain("indications").And.Contain("conf-calibrated"));
    }

    [Test]
    public void Without_references_there_are_shares_and_the_published_rule()
    {
        string[] arguments = [.. Attribute("alone").Where(a => a != "--null" && a != SmallCase.Null)];
        var run = Cudattr.Succeed(arguments);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Output, Does.Contain("no p: there are no references").And.Contain("published rule: does not accuse").And.Contain("accuses lawful models too"));
            Assert.That(run.Output, Does.Contain("Indications make no verdict; 'cudattr audit' gives one.").And.Contain("not a p-value").And.Not.Contain("nfring"));
            Assert.That(File.Exists(Work["alone/null.json"]), Is.False);
        }
        Cudattr.Succeed(Attribute("with"));
        Assert.That(
            Cudattr.Fail([.. arguments.Select(a => a == Work["alone"] ? Work["with"] : a)]),
            Does.Contain("the folder has the references of another run. Name them, or another folder. (--null)"));
    }


    [Test]
    public void Keys_that_were_tampered_with_are_refused()
    {
        using var folder = new TestFolder();
        foreach (string file in Directory.EnumerateFiles(SmallCase.Keys, "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(folder["keys"], Path.GetRelativePath(SmallCase.Keys, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
        string keys = folder["keys/keys.json"];
        var frozen = System.Text.Json.JsonDocument.Parse(File.ReadAllText(keys)).RootElement;
        string prompt = frozen.GetProperty("keys")[0].GetProperty("prompt").GetString()!;
        File.WriteAllText(keys, File.ReadAllText(keys).Replace(prompt, prompt + "s"));
        Assert.That(
            Cudattr.Fail(
                "attribute", "--keys", folder["keys"], "--suspect", SmallCase.Suspect, "--null", SmallCase.Null, "--out", folder["out"]),
            Does.Contain("keys"));
    }

    [Test]
    public void A_model_that_shaped_the_test_cannot_be_the_suspect()
    {
        Assert.That(
            Cudattr.Fail(
                "attribute", "--keys", SmallCase.Keys, "--suspect", Path.Combine(SmallCase.Models, "source"), "--null", SmallCase.Null,
                "--sample-steps", "4", "--out", Work["source"]),
            Does.Contain("source"));
    }

    private static string[] Attribute(string name, params string[] more) =>
    [
        "attribute", "--keys", SmallCase.Keys, "--suspect", SmallCase.Suspect, "--null", SmallCase.Null,
        "--sample-steps", "4", "--seed", "9", "--device", "cpu", "--out", Work[name], .. more,
    ];
}
