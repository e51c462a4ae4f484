using System.Net;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Served;

namespace CudaAttribution.Cli.Tests;

/// <summary>Logs of served pictures, written by a server and by the commands.</summary>
public sealed class ServedLogTests
{
    private const string OpenAi = "/v1/images/generations";
    private const string WebUi = "/sdapi/v1/txt2img";
    private const string Noise = """{"prompt": "red apple", "cudattr_noise": {"purpose": "testing", "seed": 1, "index": 0}}""";

    private TestFolder _work = null!;

    [SetUp]
    public void MakeFolder() => _work = new TestFolder();

    [TearDown]
    public void RemoveFolder() => _work.Dispose();

    [Test]
    public void Every_picture_that_goes_out_is_in_the_log_also_after_a_kill()
    {
        string log = _work["log"];
        var sent = new List<RgbImage>();
        using (var server = Server())
        {
            Send(server, OpenAi, """{"prompt": "red apple", "n": 2}""", ("X-Account", "alice"));
            Send(server, WebUi, """{"prompt": "red apple", "seed": 5}""", ("X-Account", "bob"));
            Send(server, OpenAi, Noise);
            Send(server, WebUi, """{"prompt": "red apple", "steps": 3, "seed": -1}""");
            Assert.That(server.Send(OpenAi, """{"prompt": "x", "quality": "hd"}""").Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(Cudattr.Fail(Serve), Does.Contain("at work on this folder"));
            Assert.That(server.Stop("KILL"), Is.EqualTo(137));
        }
        File.AppendAllText(_work["log/served.jsonl"], "{\"record\":{\"account\"");
        using (var server = Server())
        {
            Send(server, WebUi, """{"prompt": "a wheel"}""");
            Assert.That(server.Stop("TERM"), Is.Zero);
        }
        var read = ServedLogReader.Read(log);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(read.Pictures.Select(read.Read), Is.EqualTo(sent));
            Assert.That(read.Pictures.Select(p => p.Account), Is.EqualTo(["alice", "alice", "bob", null, null, null]));
            Assert.That(read.Pictures.Select(p => p.SetByCaller), Is.EqualTo([null, null, "seed", "noise", "sampling", null]));
            Assert.That(read.Pictures.Select(p => p.Prompt), Is.EqualTo(Enumerable.Repeat("red apple", 5).Append("a wheel")));
            Assert.That(read.Pictures[1].Seed, Is.EqualTo(read.Pictures[0].Seed + 1));
            Assert.That(read.Pictures[2].Seed, Is.EqualTo(5));
            Assert.That(read.Pictures[3].Seed, Is.Null);
            Assert.That(read.Header!.Sampling.Steps, Is.EqualTo(4));
            Assert.That(read.CheckSeeds, Throws.Nothing);
            Assert.That(read.SeedsKnown);
        }
        var inspected = Cudattr.Succeed("served", "inspect", log, "--json").Json;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(inspected.GetProperty("pictures").GetInt32(), Is.EqualTo(6));
            Assert.That(inspected.GetProperty("testable").GetInt32(), Is.EqualTo(3));
            Assert.That(inspected.GetProperty("source").GetString(), Is.EqualTo(read.Header!.Source));
            Assert.That(inspected.GetProperty("accounts")[0].GetRawText(), Does.Contain("alice").And.Contain("2"));
        }
        string other = Cudattr.Fail([.. Serve, "--guidance", "7"]);
        Assert.That(other, Does.Contain("another run's served log: sampling.guidance was 3, is 7"));

        void Send(ServerProcess server, string path, string body, params (string, string)[] headers)
        {
            var (status, json) = server.Send(path, body, headers: headers);
            Assert.That(status, Is.EqualTo(HttpStatusCode.OK), json.GetRawText());
            sent.AddRange(ServeTests.Pictures(json));
        }
    }

    [Test]
    public void A_log_that_cannot_be_written_lets_no_picture_out()
    {
        using var server = Server();
        Directory.Delete(_work["log"], recursive: true);
        File.WriteAllText(_work["log"], "no folder");
        var (status, json) = server.Send(OpenAi, """{"prompt": "red apple"}""");
        Assert.That(status, Is.EqualTo(HttpStatusCode.InternalServerError));
        Assert.That(json.GetRawText(), Does.Contain("the server cannot keep its log").And.Not.Contain(_work.Root));
        File.Delete(_work["log"]);
    }

    [TestCase("")]
    [TestCase("two")]
    [TestCase("long")]
    public void An_account_that_is_no_name_is_a_bad_request(string kind)
    {
        using var server = Server();
        (string, string)[] headers = kind switch
        {
            "two" => [("X-Account", "alice"), ("X-Account", "bob")],
            "long" => [("X-Account", new string('a', 201))],
            _ => [("X-Account", "")],
        };
        Assert.That(server.Send(OpenAi, """{"prompt": "red apple"}""", headers: headers).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(File.ReadAllText(_work["log/served.jsonl"]), Is.Empty);
    }

    [TestCase("--account-header", "X-Account", "without --served-log")]
    [TestCase("--account-header", "X Account", "no name of a header", "--served-log")]
    public void Options_that_make_no_sense_are_named(string option, string value, string problem, string? more = null)
    {
        string[] log = more is null ? [] : [more, _work["log"]];
        string[] serve = ["serve", "--model", SmallCase.Suspect, "--token-env", ServerProcess.TokenVariable, "--device", "cpu"];
        Assert.That(Cudattr.Fail([.. serve, option, value, .. log]), Does.Contain(problem));
    }

    [Test]
    public void A_log_of_tables_is_imported_inspected_committed_to_and_stamped()
    {
        Table("prompt\tpicture\taccount\tseed\nx\ta.png\talice\t1\ny\tb.png\t\t1\n");
        string to = _work["imported"];
        var imported = Cudattr.Succeed("served", "import", "--from", _work["log"], "--out", to);
        string root = ServedLogCommitment.To(ServedLogReader.Read(to).Pictures).MerkleRoot;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(imported.Output, Does.Contain($"2 pictures, Merkle root {root}, commitment "));
            Assert.That(imported.Error, Does.Contain("warning: all 2 pictures have the seed 1: such a log is not tested"));
            Assert.That(Cudattr.Succeed("served", "inspect", to).Output, Does.Contain("4 x 3 (2)").And.Contain("alice (1)").And.Contain(root));
            Assert.That(Cudattr.Fail("served", "commit", to), Does.Contain("there is a commitment already"));
            Assert.That(Cudattr.Succeed("served", "commit", to, "--out", _work["later"]).Output, Does.Contain(root));
            Assert.That(Cudattr.Succeed("served", "commit", _work["log"]).Output, Does.Contain(root), "the same pictures, the same root");
            Assert.That(Cudattr.Succeed("evidence", "stamp", to).Output, Does.Contain("asks for a time stamp of the commitment"));
            Assert.That(File.Exists(Path.Combine(to, "commit.tsq")));
            Assert.That(Cudattr.Fail("served", "import", "--from", _work["log"], "--out", to), Does.Contain("there is something already"));
        }
    }

    [Test]
    public void A_wrong_log_is_named_by_its_line_and_nothing_is_written()
    {
        Table("prompt\tpicture\nx\ta.png\ny\tc.png\n");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Cudattr.Fail("served", "import", "--from", _work["log"], "--out", _work["to"]), Does.Contain("served.tsv:3: there is no picture 'c.png'"));
            Assert.That(Cudattr.Fail("served", "inspect", _work["log"]), Does.Contain("served.tsv:3: "));
            Assert.That(Cudattr.Fail("served", "commit", _work["log"]), Does.Contain("served.tsv:3: "));
            Assert.That(Cudattr.Fail("served", "inspect", _work["nowhere"]), Does.Contain("there is no served log here"));
            Assert.That(Directory.GetFileSystemEntries(_work.Root).Select(Path.GetFileName), Is.EqualTo(["log"]));
            Assert.That(Directory.GetFiles(_work["log"]).Select(Path.GetFileName), Is.EquivalentTo(["served.tsv", "a.png", "b.png"]));
        }
    }

    private string[] Serve =>
    [
        "serve", "--model", SmallCase.Suspect, "--token-env", ServerProcess.TokenVariable, "--device", "cpu", "--sample-steps", "4",
        "--served-log", _work["log"],
    ];

    private ServerProcess Server() => new("--sample-steps", "4", "--served-log", _work["log"], "--account-header", "X-Account");

    private void Table(string text)
    {
        _work.Write("log/served.tsv", text);
        File.WriteAllBytes(_work["log/a.png"], ImageCodecs.EncodePng(RgbImage.Filled(4, 3, 1, 2, 3)));
        File.WriteAllBytes(_work["log/b.png"], ImageCodecs.EncodePng(RgbImage.Filled(4, 3, 4, 5, 6)));
    }
}
