using System.Text.Json.Nodes;

namespace CudaAttribution.Cli.Tests;

/// <summary>An audit whose owner has no log and no twins yet.</summary>
public sealed class AuditTwinsTests
{
    private static readonly TestFolder Folder = new();

    [OneTimeSetUp]
    public void Train()
    {
        Cudattr.Succeed(
            "train", "--preset", "nano", "--data", "emoji:google@0+12#1", "--steps", "2", "--batch", "4", "--device", "cpu", "--out", Folder["base"]);
        foreach (var (name, data) in new[] { ("source", "emoji:openmoji@0+8#1"), ("suspect", "emoji:openmoji@20+8#1") })
            Cudattr.Succeed(
                "finetune", "--base", Folder["base"], "--data", data, "--steps", "6", "--batch", "4", "--checkpoint-every", "2", "--seed", "5", "--device", "cpu",
                "--out", Folder[name]);
    }

    [OneTimeTearDown]
    public void Remove() => Folder.Dispose();

    [Test]
    public void Twins_are_trained_on_the_way_and_a_later_audit_takes_them()
    {
        string[] command = [.. Audit("first", "base", "suspect"), .. Making(2)];
        string twins = Folder["first-twins"];
        string said = Wrong(command);
        Assert.That(said, Does.Contain("3 models are trained, the twins and where its seed is known the source once more (about 0 minutes by the source's own training)"));
        Assert.That(said, Does.Contain("96 pictures of source and twins drawn").And.Contain("2 suspects are asked 16 prompts each and 0 controls 0").And.Contain("add --yes"));
        Assert.That(Directory.Exists(twins) || Directory.Exists(Folder["first"]), Is.False, "nothing was begun");
        Cudattr.KillWhen(() => Directory.Exists(twins) && Directory.EnumerateDirectories(twins, "step-*", SearchOption.AllDirectories).Any(), [.. command, "--yes"]);
        Assert.That(File.Exists(Folder["first/commit.json"]), Is.False, "killed while the twins were trained");

        var run = Cudattr.Succeed(command);
        var result = Result("first");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Output, Does.Contain("correction over 2 suspects: none, each was judged by itself"));
            Assert.That((string?)result["correction"], Is.EqualTo("none"));
            Assert.That(result["suspects"]!.AsArray().Select(s => (string?)s!["name"]), Is.EqualTo(new[] { "base", "suspect" }));
            Assert.That(result["suspects"]!.AsArray().Select(s => (string?)s!["primary"]), Has.All.EqualTo("source-swap"));
            Assert.That(result["suspects"]!.AsArray().Select(s => (string?)s!["verdict"]), Has.All.EqualTo("not shown"), "two twins can show nothing");
            Assert.That((bool?)Plan("first")["swap"]!["source_reproduced"], Is.True);
            Assert.That(File.ReadAllText(Folder["first/report.html"]), Does.Contain("The owner states that the source was not picked").And.Contain("gave the source, bit for bit"));
        }
        Cudattr.Succeed("evidence", "verify", Folder["first"], "--device", "cpu");

        var before = TestFolder.Contents(twins);
        var later = Cudattr.Succeed([.. Audit("second", "suspect"), "--twins", twins, "--yes"]);
        Cudattr.Succeed([.. Audit("third", "suspect"), "--twins", twins, .. Making(2), "--yes"]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TestFolder.Contents(twins), Is.EqualTo(before));
            Assert.That(later.Error, Does.Not.Contain("are trained"));
            Assert.That(Plan("third")["swap"]!.ToJsonString(), Is.EqualTo(Plan("second")["swap"]!.ToJsonString()));
            Assert.That(Plan("second")["swap"]!.ToJsonString(), Is.EqualTo(Plan("first")["swap"]!.ToJsonString()));
            Assert.That(
                Cudattr.Fail([.. Audit("fourth", "suspect"), "--twins", twins, .. Making(3), "--yes"]), Does.Contain("other twins than these 3").And.Contain("(--twins)"));
        }
    }

    /// <summary>A plan of 'twins plan', which takes recipes that no manifest has.</summary>
    [Test]
    public void Twins_that_are_planned_are_finished()
    {
        Cudattr.Succeed(
            "twins", "plan", "--source", Folder["source"], "--base", Folder["base"], "--count", "1", "--sample-steps", "2", "--guidance", "1", "--not-picked", "--device",
            "cpu", "--out", Folder["planned"]);
        var run = Cudattr.Succeed([.. Audit("planned-audit", "suspect"), "--twins", Folder["planned"], "--jobs", "2", "--yes"]);
        Assert.That(run.Error, Does.Contain("2 models are trained"));
        Assert.That((int?)Plan("planned-audit")["swap"]!["count"], Is.EqualTo(1));
    }

    [Test]
    public void What_cannot_be_made_is_refused_before_anything_is_trained()
    {
        string[] audit = Audit("x", "suspect");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Wrong([.. audit, "--yes"]), Does.Contain("--served, --twins or --twins-count is needed"));
            Assert.That(Wrong([.. audit, .. Making(2).Where(a => a != "--not-picked"), "--yes"]), Does.Contain("state --not-picked"));
            Assert.That(Wrong([.. audit, "--twins-count", "2", "--not-picked", "--yes"]), Does.Contain("--twins-count needs --base"));
            Assert.That(Wrong([.. audit, "--twins", Folder["y"], "--not-picked", "--yes"]), Does.Contain("--not-picked is about twins that are to be made"));
            Assert.That(Wrong([.. audit, "--twins", Folder["y"], "--data", "emoji:openmoji", "--yes"]), Does.Contain("--data is about twins that are to be made"));
            Assert.That(Wrong([.. audit, "--jobs", "2", "--yes"]), Does.Contain("--jobs is about twins that are to be made"));
            Assert.That(Wrong([.. audit, "--twins", Folder["y"], "--base", Folder["base"], "--yes"]), Does.Contain("--base is a control of a log"));
            Assert.That(Wrong([.. audit, .. Making(2), "--complete-log", "--yes"]), Does.Contain("--complete-log is about a log"));
            Assert.That(Cudattr.Fail([.. audit, .. Making(0), "--yes"]), Does.Contain("there is no twin"));
            Assert.That(Cudattr.Fail([.. audit, .. Making(2), "--sequential", "--yes"]), Does.Contain("only served-versus-fresh can stop early"));
            Assert.That(Cudattr.Fail([.. audit, .. Making(2), "--data", "emoji:openmoji@0+8#2", "--yes"]), Does.Contain("the data is not what the source was trained with"));
            Assert.That(Cudattr.Fail([.. audit, "--twins", Folder["nowhere"], "--yes"]), Does.Contain("plan of twins"));
            Assert.That(Directory.Exists(Folder["x"]), Is.False);
            Assert.That(Cudattr.Fail([.. Audit("x", "nobody"), .. Making(2), "--yes"]), Does.Contain("no such suspect"));
            Assert.That(Cudattr.Fail([.. Audit("x2", "source"), .. Making(2), "--yes"]), Does.Contain("the source itself"));
            Assert.That(Directory.Exists(Folder["x-twins"]), Is.False);
            Assert.That(Directory.Exists(Folder["x2-twins"]), Is.False);
        }
        string bare = Folder["bare/model"];
        foreach (string file in Directory.EnumerateFiles(Folder["source/model"], "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(bare, Path.GetRelativePath(Folder["source/model"], file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
        string refused = Cudattr.Fail([.. audit.Select(a => a == Folder["source"] ? bare : a), .. Making(2), "--yes"]);
        Assert.That(refused, Does.Contain("there is no manifest.json").And.Contain("cudattr twins plan"));
    }

    private static string Wrong(string[] command)
    {
        var run = Cudattr.Run(command);
        Assert.That(run.ExitCode, Is.EqualTo(2).Or.EqualTo(1));
        return run.Error;
    }

    private static string[] Audit(string name, params string[] suspects) =>
    [
        "audit", "--source", Folder["source"], .. suspects.SelectMany(s => new[] { "--suspect", Folder[s] }), "--sample-steps", "2", "--guidance", "1",
        "--device", "cpu", "--ledger", Folder[$"{name}-ledger/runs.db"], "--out", Folder[name],
    ];

    private static string[] Making(int count) => ["--base", Folder["base"], "--twins-count", $"{count}", "--not-picked"];

    private static JsonNode Result(string name) => JsonNode.Parse(File.ReadAllText(Folder[$"{name}/audit.json"]))!;

    private static JsonNode Plan(string name) => JsonNode.Parse(File.ReadAllText(Folder[$"{name}/plan.json"]))!;
}
