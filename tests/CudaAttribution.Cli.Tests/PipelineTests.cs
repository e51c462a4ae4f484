namespace CudaAttribution.Cli.Tests;

/// <summary>From keys to verdict through the command line, on the shipped models with very few and rough pictures.</summary>
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
