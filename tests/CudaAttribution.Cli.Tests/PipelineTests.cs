namespace CudaAttribution.Cli.Tests;

/// <summary>From keys to verdict through the command line, on the shipped models with very few and rough pictures.</summary>
public sealed class PipelineTests
{
    private static readonly string Models = Path.Combine(AppContext.BaseDirectory, "models");
    private static readonly TestFolder Work = new();


    [OneTimeSetUp]
    public void SelectAndScore()
    {
        Cudattr.Succeed(
            "keys", "select", "--source", Path.Combine(Models, "source"), "--data", "emoji:twitter@0+160#7",
            "--innocents", Path.Combine(Models, "innocents"), "--candidates", "24", "--n", "6", "--draws", "2", "--lambda", "0",
            "--sample-steps", "4", "--seed", "9", "--device", "cpu", "--out", Work["selected"]);
        Cudattr.Succeed(
            "innocents", "score", "--keys", Work["selected/keys"], "--innocents", Path.Combine(Models, "innocents"),
            "--sample-steps", "4", "--seed", "9", "--device", "cpu", "--out", Work["scored"]);
        Cudattr.Succeed(
            "finetune", "--base", Path.Combine(Models, "g0"), "--data", "emoji:openmoji@0+16#3", "--steps", "4", "--batch", "4",
            "--device", "cpu", "--out", Work["suspect"]);
    }

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
        string[] fields = ["verdict", "conf", "hits", "n", "threshold", "metric", "p_value", "keys"];
        using (Assert.EnterMultipleScope())
        {
            foreach (string field in fields) Assert.That(result.TryGetProperty(field, out _), field);
            Assert.That(
                result.GetProperty("verdict").GetString(),
                Is.EqualTo("not shown"),
                "four steps on other pictures leave nothing of the source");
            Assert.That(result.GetProperty("keys").GetArrayLength(), Is.EqualTo(6));
            Assert.That(result.GetProperty("keys")[0].TryGetProperty("distance", out _));
        }
        Assert.That(Cudattr.Succeed("runs", "list").Output, Does.Contain("not shown"));
    }

    [Test]
    public void Keys_that_were_tampered_with_are_refused()
    {
        using var folder = new TestFolder();
        foreach (string file in Directory.EnumerateFiles(Work["selected/keys"], "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(folder["keys"], Path.GetRelativePath(Work["selected/keys"], file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
        string keys = folder["keys/keys.json"];
        var frozen = System.Text.Json.JsonDocument.Parse(File.ReadAllText(keys)).RootElement;
        string prompt = frozen.GetProperty("keys")[0].GetProperty("prompt").GetString()!;
        File.WriteAllText(keys, File.ReadAllText(keys).Replace(prompt, prompt + "s"));
        Assert.That(
            Cudattr.Fail(
                "attribute", "--keys", folder["keys"], "--suspect", Work["suspect"], "--null", Work["scored/null.json"], "--out", folder["out"]),
            Does.Contain("keys"));
    }

    [Test]
    public void A_model_that_shaped_the_test_cannot_be_the_suspect()
    {
        Assert.That(
            Cudattr.Fail(
                "attribute", "--keys", Work["selected/keys"], "--suspect", Path.Combine(Models, "source"), "--null", Work["scored/null.json"],
                "--sample-steps", "4", "--out", Work["source"]),
            Does.Contain("source"));
    }

    private static string[] Attribute(string name, params string[] more) =>
    [
        "attribute", "--keys", Work["selected/keys"], "--suspect", Work["suspect"], "--null", Work["scored/null.json"],
        "--sample-steps", "4", "--seed", "9", "--device", "cpu", "--out", Work[name], .. more,
    ];
}
