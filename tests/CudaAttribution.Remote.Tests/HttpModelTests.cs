using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;
using CudaAttribution.Runs;

namespace CudaAttribution.Remote.Tests;

/// <summary>How a remote suspect is asked: what goes out, in which order, and what is noted.</summary>
public sealed class HttpModelTests : HttpModelFixture
{
    [Test]
    public void EveryQueryIsAskedOnceAndAnsweredInItsPlace()
    {
        var answers = Http.Ask(5);
        Assert.That(answers.Select(a => a.Image), Is.EqualTo(HttpFixture.Queries(5).Select(q => FakeService.Plain(q.Prompt))));
        Assert.That(Service.Prompts, Is.EquivalentTo(HttpFixture.Queries(5).Select(q => q.Prompt)));
        Assert.That(Service.Prompts, Is.Not.EqualTo(HttpFixture.Queries(5).Select(q => q.Prompt)), "in random order");
        var request = Service.Received[0];
        Assert.That(request.Path, Is.EqualTo("/v1/images/generations"));
        Assert.That(request.Headers["Authorization"], Is.EqualTo("Bearer " + HttpFixture.Token));
        Assert.That(request.Json.ToJsonString(), Is.EqualTo(
            new JsonObject { ["prompt"] = request.Prompt, ["n"] = 1, ["size"] = "8x8", ["model"] = "painter-2" }.ToJsonString()));
        Assert.That(request.Headers.Keys, Does.Not.Contain("User-Agent"));
    }

    [Test]
    public void TheJournalSaysWhatWasAskedAndAnswered()
    {
        Http.Ask(3);
        var journal = Http.Journal;
        Assert.That(journal.Select(r => r.Number), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(journal.Select(r => r.Index).Order(), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(journal.Select(r => r.Prompt), Is.EqualTo(Service.Prompts));
        Assert.That(journal.Select(r => r.RequestSha256).Distinct().Count(), Is.EqualTo(3));
        foreach (var r in journal)
        {
            Assert.That(r, Has.Property("Calls").EqualTo(1).And.Property("Cost").EqualTo(0.5m).And.Property("Status").EqualTo(200));
            Assert.That(r.ImageSha256, Is.EqualTo(ImageHash.Of(PictureFiles.Read(Http.Folder.Path(r.Image!)))));
            byte[] body = Encoding.UTF8.GetBytes(FakeService.Picture(FakeService.Plain(r.Prompt)));
            Assert.That(r.ResponseSha256, Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(body))));
        }
        Assert.That(Http.Folder.Has("query-pending.json"), Is.False);
    }

    [Test]
    public void AnotherSizeCanBeAskedFor()
    {
        (Http.Description["width"], Http.Description["height"]) = (512, 256);
        Http.Ask(1);
        Assert.That((string?)Service.Received[0].Json["size"], Is.EqualTo("512x256"));
    }

    [Test]
    public void DecoysAreMixedInLoggedAndNotCounted()
    {
        Http.Description["decoys_per_key"] = 3;
        string[] pool = [.. Enumerable.Range(0, 40).Select(i => $"decoy {i}"), "prompt 1"];
        var answers = Http.Ask(4, pool);
        Assert.That(answers.Select(a => a.Image), Is.EqualTo(HttpFixture.Queries(4).Select(q => FakeService.Plain(q.Prompt))));
        string[] asked = [.. Service.Prompts];
        Assert.That(asked.Count(p => p.StartsWith("decoy", StringComparison.Ordinal)), Is.EqualTo(12));
        Assert.That(asked.Distinct().Count(), Is.EqualTo(16));
        int[] keys = [.. asked.Index().Where(p => p.Item.StartsWith("prompt", StringComparison.Ordinal)).Select(p => p.Index)];
        Assert.That(keys, Is.Not.EqualTo(new[] { 0, 1, 2, 3 }).And.Not.EqualTo(new[] { 12, 13, 14, 15 }));
        Assert.That(Http.Journal.Count(r => r.Kind == QueryKind.Decoy), Is.EqualTo(12));
        using var again = new HttpFixture(Service, "again");
        again.Description["decoys_per_key"] = 3;
        again.Ask(4, pool);
        Assert.That(Service.Prompts.Skip(16), Is.EqualTo(asked), "the seed decides choice and order");
        Assert.That(Service.Received.Select(r => r.Headers["Idempotency-Key"]).Distinct().Count(), Is.EqualTo(32), "no two runs share a name");
    }

    [Test]
    public void DecoysNeedASetAndASetNeedsDecoys()
    {
        Assert.That(() => Http.Model(["a"]), Throws.TypeOf<UserException>().With.Message.Contains("asks for no decoys"));
        Http.Description["decoys_per_key"] = 2;
        Assert.That(() => Http.Model(), Throws.TypeOf<UserException>().With.Property("Setting").EqualTo("decoys"));
        Assert.That(
            () => Http.Ask(3, ["a", "prompt 0"]),
            Throws.TypeOf<UserException>().With.Message.Contains("6 decoys are wanted and the set has 1"));
        Assert.That(Service.Received, Is.Empty);
    }

    [Test]
    public void CallsKeepTheirPace()
    {
        Http.Limits["calls_per_minute"] = 6;
        Http.Ask(3);
        Assert.That(Http.Pauses, Has.Count.EqualTo(2));
        Assert.That(Http.Pauses, Is.All.InRange(8, 12.6));
    }

    [Test]
    public void SecretsAreNowhereInWhatIsWrittenOrSaid()
    {
        string escaped = HttpFixture.Token.Replace("\"", "\\\"");
        Http.Limits["after_retries"] = "miss";
        Service.Next(
            FakeService.Status(400, $$$"""{"error": {"code": "content_policy_violation", "message": "{{{escaped}}} may not ask"}}"""),
            FakeService.Status(500, $$$"""{"detail": "seen: Bearer {{{escaped}}}"}"""),
            FakeService.Status(500, "seen: " + Uri.EscapeDataString(HttpFixture.Token)),
            FakeService.Status(500, "seen: " + System.Net.WebUtility.HtmlEncode(HttpFixture.Token)));
        var answers = Http.Ask(3);
        Assert.That(answers.Count(a => a.Failure is not null), Is.EqualTo(2));
        string said = Http.Written + string.Concat(answers.Select(a => a.Failure)) + Json.Write(Http.Model().Remote);
        foreach (string part in new[] { "s3cr", "tok/en", "tok%2Fen", "quoted" }) Assert.That(said, Does.Not.Contain(part));
        Assert.That(said, Does.Contain($"[{HttpFixture.TokenVariable}] may not ask"));
    }

    [Test]
    public void Automatic1111GetsTypedMembers()
    {
        Http.Description["preset"] = "automatic1111";
        byte[] png = ImageCodecs.EncodePng(FakeService.Plain("p"));
        string body = new JsonObject { ["images"] = new JsonArray(Convert.ToBase64String(png)), ["info"] = "{}" }.ToJsonString();
        Service.Default = (context, _) => FakeService.Json(context, body);
        Http.Sampling = Http.Sampling with { NegativePrompt = "blurred" };
        Http.Ask(2);
        var request = Service.Received[0].Json;
        Assert.That(Service.Received[0].Path, Is.EqualTo("/sdapi/v1/txt2img"));
        Assert.That((string?)request["negative_prompt"], Is.EqualTo("blurred"));
        Assert.That(request["steps"]!.ToJsonString() + request["cfg_scale"]!.ToJsonString() + request["width"]!.ToJsonString(), Is.EqualTo("42.58"));
        Assert.That((string?)request["sampler_name"], Is.EqualTo("DPM++ 2M"));
        Assert.That(request["seed"]!.GetValue<uint>(), Is.Not.EqualTo(Service.Received[1].Json["seed"]!.GetValue<uint>()));
        Assert.That(request.ContainsKey("cudattr_noise"), Is.False, "a strange service must not learn who asks");
        Assert.That(Service.Received[0].Headers.Keys, Does.Not.Contain("Idempotency-Key"));
    }

    [Test]
    public void ANegativePromptThatIsNotSentIsRefused()
    {
        Http.Sampling = Http.Sampling with { NegativePrompt = "blurred" };
        Assert.That(Http.Fails(1), Does.Contain("sends no negative prompt. Put {negative_prompt} into its body"));
        Assert.That(Service.Received, Is.Empty);
        Http.Description["body_changes"]!["avoid"] = "{negative_prompt}";
        Http.Ask(1);
        Assert.That((string?)Service.Received[0].Json["avoid"], Is.EqualTo("blurred"));
    }

    [Test]
    public void AServiceIsNotToldToWorkInTiles()
    {
        Http.Sampling = Http.Sampling with { Tile = 256 };
        Assert.That(Http.Fails(1), Does.Contain("cannot be told to work in tiles. Leave the tile out"));
    }

    [Test]
    public void ExactNoiseGoesWithTheRequestWhereItIsWanted()
    {
        Http.Description["exact_noise"] = true;
        Http.Ask(1);
        Assert.That(Service.Received[0].Json["cudattr_noise"]!.ToJsonString(), Is.EqualTo("""{"purpose":"testing","seed":5,"index":0}"""));
    }
}
