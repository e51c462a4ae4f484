using System.Text.Json.Nodes;

namespace CudaAttribution.Cli.Tests;

/// <summary>An audit from the command line: from a log of what was served to a verdict that the other side can check.</summary>
public sealed class AuditTests
{
    private static readonly TestFolder Work = new();
    private static readonly string[] Prompts = ["cat face", "red apple", "fire", "sun", "house", "car", "rocket", "fish"];

    private static string Source => Path.Combine(SmallCase.Models, "source");

    [OneTimeSetUp]
    public void Serve()
    {
        string prompts = Work.Write("prompts.txt", string.Join('\n', Prompts));
        Cudattr.Succeed(["sample", "--model", Source, "--prompts", prompts, "--sample-steps", "4", "--seed", "78", "--device", "cpu", "--out", Work["log"]]);
        Work.Write("log/served.tsv", "prompt\tpicture\n" + string.Concat(Prompts.Select((p, i) => $"{p}\timages/{i:D4}.png\n")));
    }

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void A_model_that_was_never_served_is_not_shown_and_anybody_can_check_it()
    {
        string[] command = [.. Audit("local", SmallCase.Suspect), "--base", Path.Combine(SmallCase.Models, "g0")];
        var run = Cudattr.Succeed([.. command, "--json"]);
        var suspect = Result("local")["suspects"]!.AsArray().Single()!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(JsonNode.DeepEquals(JsonNode.Parse(run.Output)!["suspects"]![0]!["p_value"], suspect["p_value"]));
            Assert.That((string?)suspect["name"], Is.EqualTo("suspect"));
            Assert.That((string?)suspect["verdict"], Is.EqualTo("not shown"));
            Assert.That((string?)suspect["primary"], Is.EqualTo("served-versus-fresh"));
            Assert.That((double)suspect["p_value"]!, Is.InRange(0.01, 1));
            Assert.That((int)suspect["queries"]!, Is.EqualTo(6));
            Assert.That(suspect["tests"]!.AsArray().Select(t => (string?)t!["name"]), Is.EqualTo(new[] { "served-versus-fresh", "served-kernel" }));
            Assert.That(Result("local")["controls"]!.AsArray().Select(c => (string?)c!["name"]), Is.EqualTo(new[] { "the source", "the base" }));
            Assert.That(File.ReadAllText(Work["local/report.html"]), Does.Contain("Not shown").And.Contain("Not stated: that the log has every picture"));
            Assert.That(run.Error, Does.Contain("Not stated: that the log has every picture"));
            Assert.That((string?)Result("local")["correction"], Is.EqualTo("Holm"));
        }
        Cudattr.Succeed("evidence", "verify", Work["local"], "--device", "cpu");
        string commit = (string)Result("local")["plan_commit"]!;
        Cudattr.Succeed("evidence", "verify", Work["local"], "--commit", commit, "--device", "cpu");
        Assert.That(Cudattr.Run("evidence", "verify", Work["local"], "--commit", new string('0', 64), "--device", "cpu").ExitCode, Is.EqualTo(3));

        string again = Cudattr.Succeed("evidence", "replay", Work["local"], "--model", SmallCase.Suspect, "--device", "cpu").Output;
        Assert.That(again, Is.EqualTo("suspect: 6 of 6 answers are the same\n"));
        Assert.That(Cudattr.Fail("evidence", "replay", Work["local"], "--model", Path.Combine(Path.GetDirectoryName(SmallCase.Suspect)!, "innocents", "other")), Does.Contain("neither suspect nor control"));
        Cudattr.Succeed("evidence", "keygen", "--out", Work["owner.pem"]);
        Cudattr.Succeed("evidence", "keygen", "--out", Work["other.pem"]);
        Cudattr.Succeed("evidence", "sign", Work["local"], "--key", Work["owner.pem"]);
        Cudattr.Succeed("evidence", "verify", Work["local"], "--public", Work["owner.pub.pem"], "--device", "cpu");
        var forged = Cudattr.Run("evidence", "verify", Work["local"], "--public", Work["other.pub.pem"], "--device", "cpu");
        Assert.That((forged.ExitCode, forged.Error), Is.EqualTo((3, $"cudattr: seal.sig is not the signature of {Work["other.pub.pem"]}\n")));

        var before = TestFolder.Contents(Work["local"]);
        Cudattr.Succeed(command);
        var after = TestFolder.Contents(Work["local"]);
        foreach (string changing in new[] { "manifest.json", "report.html", "seal.json" }) Assert.That((before.Remove(changing), after.Remove(changing)), Is.EqualTo((true, true)));
        Assert.That(after, Is.EqualTo(before), "a repeated command asks nothing and finds the same");
        Assert.That(Cudattr.Fail([.. command, "--alpha", "0.05"]), Does.Contain("another run's audit"));

        File.AppendAllText(Work["local/plan.json"], " ");
        var touched = Cudattr.Run("evidence", "verify", Work["local"], "--device", "cpu");
        Assert.That((touched.ExitCode, touched.Error), Is.EqualTo((3, "cudattr: plan.json was changed\n")));
    }

    [Test]
    public void A_service_is_asked_until_it_is_enough_and_a_killed_audit_goes_on()
    {
        using var server = new ServerProcess("--sample-steps", "4", "--suspect-file", Work["http.json"]);
        var description = JsonNode.Parse(File.ReadAllText(Work["http.json"]))!;
        description["limits"] = new JsonObject { ["calls_per_minute"] = 30, ["pause_jitter"] = 0 };
        description["name"] = "stranger";
        string slow = Work.Write("slow.json", description.ToJsonString());
        string chain = Work["http/suspects/1-stranger/chain.jsonl"];
        string[] command = [.. Audit("http", slow), "--complete-log"];
        Cudattr.KillWhen(() => File.Exists(chain) && File.ReadLines(chain).Count() == 2, command);
        int before = server.Drawn;
        // The plan stands: the log is not needed any more.
        Directory.Move(Work["log"], Work["log-elsewhere"]);
        Cudattr.Succeed(command);
        Directory.Move(Work["log-elsewhere"], Work["log"]);
        var suspect = Result("http")["suspects"]![0]!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)suspect["verdict"], Is.EqualTo("not shown"));
            Assert.That(File.ReadLines(chain).Count(), Is.EqualTo(6));
            Assert.That((string?)Result("http")["correction"], Is.EqualTo("e-BH"));
            Assert.That(File.ReadAllText(Work["http/report.html"]), Does.Contain("The owner states that the log has every picture"));
            Assert.That(server.Drawn, Is.EqualTo(6), $"{before} before it was killed");
            Assert.That(File.ReadAllText(Work["http/suspects/1-stranger/query-plan.json"]), Does.Not.Contain(ServerProcess.Token));
            Assert.That(File.ReadLines(chain).First(), Does.Contain("response_sha256"));
        }
        Cudattr.Succeed("evidence", "verify", Work["http"], "--device", "cpu");
    }

    [Test]
    public void What_cannot_be_audited_is_refused_before_anything_is_asked()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Cudattr.Fail(Audit("self", Source)), Does.Contain("the source itself"));
            Assert.That(Cudattr.Fail(Audit("none", Work["nobody"])), Does.Contain("no such suspect"));
            Assert.That(Cudattr.Fail([.. Audit("share", SmallCase.Suspect), "--unusable", "1"]), Does.Contain("unusable answers is 1"));
            Assert.That(Cudattr.Fail([.. Audit("alpha", SmallCase.Suspect), "--alpha", "1"]), Does.Contain("alpha is 1"));
            var unasked = Cudattr.Run([.. Audit("unasked", SmallCase.Suspect).Where(a => a != "--yes")]);
            Assert.That(unasked.ExitCode, Is.Not.Zero);
            Assert.That(unasked.Error, Does.Contain("--yes"));
            Assert.That(Directory.Exists(Work["unasked"]), Is.False);
        }
    }

    [Test]
    public void The_plan_says_what_can_be_seen()
    {
        string table = Cudattr.Succeed("audit", "plan", "--alpha", "0.01").Output;
        Assert.That(table, Does.Contain("19 fresh").And.Match(@"100\s+\d"));
    }

    private static string[] Audit(string name, string suspect) =>
    [
        "audit", "--source", Source, "--served", Work["log"], "--suspect", suspect, "--queries", "6", "--pool", "8", "--fresh", "4", .. SmallCase.Sampling,
        "--ledger", Work[$"{name}.db"], "--out", Work[name], "--yes",
    ];

    private static JsonNode Result(string name) => JsonNode.Parse(File.ReadAllText(Work[$"{name}/audit.json"]))!;
}
