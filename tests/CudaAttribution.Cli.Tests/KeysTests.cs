using System.Text.Json.Nodes;

namespace CudaAttribution.Cli.Tests;

/// <summary>Keys for a service that reads more than words in a prompt.</summary>
public sealed class KeysTests
{
    private static readonly TestFolder Work = new();

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void Captions_that_a_service_would_not_take_as_text_are_no_candidates()
    {
        string[] captions = ["cat face", "red|apple", "fire", "sun #1", "house"];
        string source = Path.Combine(SmallCase.Models, "source"), prompts = Work.Write("prompts.txt", string.Join('\n', captions.Index().Select(c => $"thing {c.Index}")));
        Cudattr.Succeed(["sample", "--model", source, "--prompts", prompts, .. SmallCase.Sampling, "--out", Work["drawn"]]);
        foreach (int i in Enumerable.Range(0, captions.Length))
        {
            Directory.CreateDirectory(Work["data"]);
            File.Copy(Work[$"drawn/images/{i:D4}.png"], Work[$"data/{i}.png"]);
        }
        Work.Write("data/captions.tsv", "id\tcaption\n" + string.Concat(captions.Select((c, i) => $"{i}\t{c}\n")));
        string service = Work.Write("web.json", """{"schema": "cudattr-http-suspect-1", "preset": "automatic1111", "url": "http://localhost:7860"}""");
        string[] select =
        [
            "keys", "select", "--source", source, "--data", Work["data"], "--draws", "2", "--threshold", "0.0001", "--for", service, .. SmallCase.Sampling,
            "--ledger", Work["runs.db"],
        ];
        var run = Cudattr.Succeed([.. select, "--n", "3", "--out", Work["keys"]]);
        var keys = JsonNode.Parse(File.ReadAllText(Work["keys/keys/keys.json"]))!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Output, Does.Contain("3 candidates").And.Contain("2 prompts were left out, which a suspect does not take as text"));
            Assert.That(keys["keys"]!.AsArray().Select(k => (string?)k!["prompt"]), Is.EquivalentTo(new[] { "cat face", "fire", "house" }));
            Assert.That(Cudattr.Fail([.. select, "--n", "4", "--out", Work["more"]]), Does.Contain("of 5 pairs 2 have prompts that a suspect does not take as text"));
        }
    }
}
