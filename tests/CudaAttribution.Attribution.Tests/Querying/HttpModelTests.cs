using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Data;

namespace CudaAttribution.Attribution.Tests;

/// <summary>How a remote suspect is asked, against a service that misbehaves.</summary>
public sealed class HttpModelTests
{
    private FakeService _service = null!;
    private HttpFixture _http = null!;

    [SetUp]
    public void Start()
    {
        _service = new FakeService();
        _http = new HttpFixture(_service);
    }

    [TearDown]
    public void Stop()
    {
        _http.Dispose();
        _service.Dispose();
    }

    [Test]
    public void EveryQueryIsAskedOnceAndAnsweredInItsPlace()
    {
        var answers = _http.Ask(5);
        Assert.That(answers.Select(a => a.Image), Is.EqualTo(HttpFixture.Queries(5).Select(q => FakeService.Plain(q.Prompt))));
        Assert.That(_service.Prompts, Is.EquivalentTo(HttpFixture.Queries(5).Select(q => q.Prompt)));
        Assert.That(_service.Prompts, Is.Not.EqualTo(HttpFixture.Queries(5).Select(q => q.Prompt)), "in random order");
        var request = _service.Received[0];
        Assert.That(request.Path, Is.EqualTo("/v1/images/generations"));
        Assert.That(request.Headers["Authorization"], Is.EqualTo("Bearer " + HttpFixture.Token));
        Assert.That(request.Json.ToJsonString(), Is.EqualTo(
            new JsonObject { ["prompt"] = request.Prompt, ["n"] = 1, ["size"] = "8x8", ["response_format"] = "b64_json" }.ToJsonString()));
        Assert.That(request.Headers.Keys, Does.Not.Contain("User-Agent"));
    }

    [Test]
    public void TheJournalSaysWhatWasAskedAndAnswered()
    {
        _http.Ask(3);
        var journal = _http.Journal;
        Assert.That(journal.Select(r => r.Number), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(journal.Select(r => r.Index).Order(), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(journal.Select(r => r.Prompt), Is.EqualTo(_service.Prompts));
        Assert.That(journal.Select(r => r.RequestSha256).Distinct().Count(), Is.EqualTo(3));
        foreach (var r in journal)
        {
            Assert.That(r, Has.Property("Calls").EqualTo(1).And.Property("Cost").EqualTo(0.5m).And.Property("Status").EqualTo(200));
            Assert.That(r.ImageSha256, Is.EqualTo(ImageHash.Of(RunFolder.ReadImage(_http.Folder.Path(r.Image!)))));
            byte[] body = Encoding.UTF8.GetBytes(FakeService.Picture(FakeService.Plain(r.Prompt)));
            Assert.That(r.ResponseSha256, Is.EqualTo(Convert.ToHexStringLower(SHA256.HashData(body))));
        }
        Assert.That(_http.Folder.Has("query-pending.json"), Is.False);
    }

    [TestCase(401)]
    [TestCase(403)]
    public void AWrongTokenStopsAtOnce(int status)
    {
        _service.Next(FakeService.Status(status, $$$"""{"error": {"message": "no such key: {{{HttpFixture.Token.Replace("\"", "\\\"")}}}"}}"""));
        string error = _http.Fails();
        Assert.That(error, Does.Contain($"denies access ({status}: no such key: [{HttpFixture.TokenVariable}]").And.Contain("environment variable"));
        Assert.That(_service.Received, Has.Count.EqualTo(1));
        Assert.That(_http.Journal, Is.Empty);
        Assert.That(_http.Ask(), Has.Count.EqualTo(3), "with a right token the same folder goes on");
        Assert.That(_http.Model().Generate(HttpFixture.Queries(3)), Has.Count.EqualTo(3));
        Assert.That(_http.Journal.Sum(r => r.Cost), Is.EqualTo(1.5m), "a denial is free");
    }

    [Test]
    public void TooManyRequestsAreRepeatedAfterTheTimeAskedFor()
    {
        _service.Next(FakeService.Status(429, retryAfter: "7"), FakeService.Status(429));
        Assert.That(_http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(_http.Pauses, Has.Count.EqualTo(2));
        Assert.That(_http.Pauses[0], Is.InRange(7, 7.7));
        Assert.That(_http.Pauses[1], Is.InRange(1, 2), "back-off of its own: twice the first");
        Assert.That(_http.Journal.Single(), Has.Property("Calls").EqualTo(3).And.Property("Cost").EqualTo(0.5m));
        Assert.That(_service.Received.Select(r => r.Headers["Idempotency-Key"]).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public void ATimeOfDayToWaitForIsUnderstood()
    {
        _service.Next(FakeService.Status(503, retryAfter: DateTimeOffset.UtcNow.AddSeconds(60).ToString("R")));
        Assert.That(_http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(_http.Pauses.Single(), Is.InRange(50, 66));
    }

    [Test]
    public void ATimeThatIsTooLongStops()
    {
        _service.Next(FakeService.Status(429, retryAfter: "86400"));
        Assert.That(_http.Fails(), Does.Contain("asks to wait 86400 s").And.Contain("the same command goes on"));
        Assert.That(_service.Received, Has.Count.EqualTo(1));
    }

    [Test]
    public void AFailureOfTheServiceIsRepeated()
    {
        _service.Next(FakeService.Status(500, "{\"detail\": \"out of memory\"}"), FakeService.Status(503));
        Assert.That(_http.Ask(2).All(a => a.Image is not null));
        Assert.That(_http.Model().Remote!.Calls, Is.Zero, "a fresh model knows nothing before it reads the journal");
        var model = _http.Model();
        model.Generate(HttpFixture.Queries(2));
        Assert.That(model.Remote, Has.Property("Calls").EqualTo(4).And.Property("Retries").EqualTo(2).And.Property("Cost").EqualTo(1m));
    }

    [Test]
    public void AServiceThatStaysSilentIsAskedAgain()
    {
        _http.Limits["timeout_seconds"] = 0.3;
        _service.Next(FakeService.Silence);
        Assert.That(_http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(_http.Journal.Single(), Has.Property("Calls").EqualTo(2).And.Property("Cost").EqualTo(1m), "it may have drawn: charged");
        Assert.That(_service.Received.Select(r => r.Headers["Idempotency-Key"]).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public void AServiceThatIsDownStopsTheRunAndTheRunGoesOn()
    {
        _service.Next([.. Enumerable.Repeat(FakeService.Status(502, "<html>bad\n gateway</html>"), 3)]);
        Assert.That(_http.Fails(), Does.Contain("not answered in 3 calls").And.Contain("502: <html>bad gateway</html>").And.Contain("after_retries"));
        Assert.That(_http.Ask().All(a => a.Image is not null));
        Assert.That(_http.Journal[0].Calls, Is.EqualTo(4));
        Assert.That(_service.Received.Take(4).Select(r => r.Headers["Idempotency-Key"]).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public void AnUnansweredQueryIsAMissWhereThatIsWanted()
    {
        _http.Limits["after_retries"] = "miss";
        _service.Next([.. Enumerable.Repeat(FakeService.Status(500), 3)]);
        var answers = _http.Ask();
        Assert.That(answers.Count(a => a.Failure?.Contains("answered 500") == true), Is.EqualTo(1));
        Assert.That(_http.Journal[0], Has.Property("Outcome").EqualTo(QueryOutcome.Failed));
        Assert.That(_service.Received, Has.Count.EqualTo(5));
    }

    [Test]
    public void NobodyListeningIsSaid()
    {
        _http.Description["url"] = "http://127.0.0.1:1";
        Assert.That(_http.Fails(), Does.Contain("the connection to 127.0.0.1 failed").And.Contain("answers so far are kept"));
    }

    [Test]
    public void ACertificateThatNobodyVouchesForStopsTheRunBeforeASecretIsSent()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var service = new FakeService(certificate: certificate);
        using var http = new HttpFixture(service, "https");
        Assert.That(service.Address, Does.StartWith("https:"));
        Assert.That(http.Fails(), Does.Contain("no secure connection to 127.0.0.1"));
        Assert.That(service.Received, Is.Empty);
        Assert.That(http.Pauses, Is.Empty, "no repetition mends it");
    }

    [Test]
    public void ADamagedPictureIsAskedForAgainUnderAnotherName()
    {
        string whole = FakeService.Picture(FakeService.Plain("x", 64));
        _service.Next(FakeService.Body(whole[..(whole.Length / 2)]), FakeService.Cut);
        Assert.That(_http.Ask(1)[0].Image, Is.Not.Null);
        var names = _service.Received.Select(r => r.Headers["Idempotency-Key"]).ToArray();
        Assert.That(names[1], Is.Not.EqualTo(names[0]), "a service may repeat its stored answer to the same name");
        Assert.That(names[2], Is.EqualTo(names[1]), "no complete answer arrived");
    }

    [Test]
    public void APictureThatStaysDamagedIsRecordedAsAMiss()
    {
        byte[] png = ImageCodecs.Default.EncodePng(FakeService.Plain("x", 64));
        string[] damaged =
        [
            FakeService.Base64(Convert.ToBase64String(png.AsSpan(0, png.Length - 20))),
            FakeService.Base64("not base64!"),
            FakeService.Base64(Convert.ToBase64String("not a picture at all"u8)),
        ];
        _service.Next([.. damaged.Select(FakeService.Body)]);
        var answers = _http.Ask();
        Assert.That(answers.Count(a => a.Image is null), Is.EqualTo(1));
        var record = _http.Journal[0];
        Assert.That(record, Has.Property("Outcome").EqualTo(QueryOutcome.Failed).And.Property("Calls").EqualTo(3));
        Assert.That(record.Failure, Does.Contain("cannot be decoded"));
        Assert.That(_service.Received, Has.Count.EqualTo(5));
    }

    [TestCase("""{"error": {"code": "content_policy_violation", "message": "I will not draw that."}}""")]
    [TestCase("""{"error": {"message": "Your request was rejected by the safety system.", "code": "moderation_blocked"}}""")]
    public void ARefusalIsAMissAndNotRepeated(string body)
    {
        _service.Next(FakeService.Status(400, body));
        var answers = _http.Ask();
        Assert.That(_service.Received, Has.Count.EqualTo(3));
        Assert.That(answers.Count(a => a.Image is null), Is.EqualTo(1));
        Assert.That(_http.Journal[0], Has.Property("Outcome").EqualTo(QueryOutcome.Refused).And.Property("Status").EqualTo(400));
        Assert.That(_http.Journal[0].Failure, Does.StartWith("refused by the service: "));
        var model = _http.Model();
        model.Generate(HttpFixture.Queries(3));
        Assert.That(model.Remote, Has.Property("Refusals").EqualTo(1).And.Property("Pictures").EqualTo(2));
    }

    [Test]
    public void AServiceMayRefuseInItsOwnWay()
    {
        _http.Description["refusal"] = JsonNode.Parse("""{"statuses": [403], "contains": ["Not Suitable"]}""");
        _service.Next(FakeService.Status(403, """{"name": "not suitable"}"""), FakeService.Status(403, """{"name": "no such key"}"""));
        Assert.That(_http.Fails(), Does.Contain("denies access"));
        Assert.That(_http.Journal.Single().Outcome, Is.EqualTo(QueryOutcome.Refused));
        using var second = new HttpFixture(_service, "second");
        _service.Next(FakeService.Body("""{"error": {"code": "content_policy_violation"}}"""));
        second.Ask(1);
        Assert.That(second.Journal.Single().Outcome, Is.EqualTo(QueryOutcome.Refused), "said with a status of success");
    }

    [Test]
    public void ARequestThatIsWrongStops()
    {
        _service.Next(FakeService.Status(400, """{"error": {"message": "Unknown parameter: 'response_format'."}}"""));
        Assert.That(_http.Fails(), Does.Contain("does not take the request (400: Unknown parameter: 'response_format')").And.Contain("Correct"));
        Assert.That(_service.Received, Has.Count.EqualTo(1));
    }

    [Test]
    public void APictureOfAnotherSizeIsResizedAndThatIsRecorded()
    {
        var large = FakeService.Plain("x", 31);
        large.Pixels[0] = 255;
        _service.Next(FakeService.Body(FakeService.Picture(large)));
        var answers = _http.Ask();
        var record = _http.Journal[0];
        Assert.That(record, Has.Property("Resized").True.And.Property("Width").EqualTo(31).And.Property("Height").EqualTo(31));
        Assert.That(_http.Journal.Count(r => r.Resized), Is.EqualTo(1));
        Assert.That(answers[record.Index].Image, Is.EqualTo(large.Resize(8, 8)));
        Assert.That(RunFolder.ReadImage(_http.Folder.Path(record.Image!)), Is.EqualTo(large), "evidence is kept as it came");
    }

    [Test]
    public void AnotherSizeCanBeAskedFor()
    {
        (_http.Description["width"], _http.Description["height"]) = (512, 256);
        _http.Ask(1);
        Assert.That((string?)_service.Received[0].Json["size"], Is.EqualTo("512x256"));
    }

    [Test]
    public void ARedirectElsewhereIsRefused()
    {
        using var other = new FakeService();
        _service.Next(FakeService.Status(307, location: other.Address + "/v1/images/generations?session=private"));
        string error = _http.Fails();
        Assert.That(error, Does.Contain("redirects to another place").And.Contain(new Uri(other.Address).Authority).And.Not.Contain("private"));
        Assert.That(other.Received, Is.Empty);
    }

    [Test]
    public void ARedirectWithinTheServiceIsFollowedOnlyIfItKeepsTheRequest()
    {
        _service.Next(FakeService.Status(308, location: "/v2/images"));
        Assert.That(_http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(_service.Received[1], Has.Property("Path").EqualTo("/v2/images").And.Property("Body").EqualTo(_service.Received[0].Body));
        using var second = new HttpFixture(_service, "second");
        _service.Next(FakeService.Status(302, location: "/v2/images"));
        Assert.That(second.Fails(), Does.Contain("would drop the request (302)"));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void AnAnswerThatIsTooLargeIsNotRead(bool announced)
    {
        _http.Limits["max_response_mib"] = 1;
        _http.Limits["retries"] = 0;
        var hungUp = new TaskCompletionSource();
        _service.Next(async context =>
        {
            context.RequestAborted.Register(hungUp.SetResult);
            byte[] part = new byte[1 << 16];
            if (announced) context.Response.ContentLength = 1L << 40;
            while (!hungUp.Task.IsCompleted) await context.Response.Body.WriteAsync(part, context.RequestAborted);
        });
        Assert.That(_http.Ask(1)[0].Failure, Does.Contain("larger than 1 MiB"));
        Assert.That(hungUp.Task.Wait(TimeSpan.FromSeconds(30)), "the caller hangs up");
    }

    [Test]
    public void TheBudgetStopsTheRunAndAnsweredQueriesStay()
    {
        _http.Limits["budget"] = 1.4;
        _service.Next(FakeService.Status(500));
        Assert.That(_http.Fails(5), Does.Contain("the budget is spent: 1.0 of 1.4").And.Contain("All 2 answers"));
        Assert.That(_service.Received, Has.Count.EqualTo(3));
        Assert.That(_http.Fails(5), Does.Contain("the budget is spent"));
        Assert.That(_service.Received, Has.Count.EqualTo(3), "not one call more");
        _http.Limits["budget"] = 2.5;
        Assert.That(_http.Ask(5).All(a => a.Image is not null));
        Assert.That(_service.Received, Has.Count.EqualTo(6));
        Assert.That(_service.Prompts.Skip(1).Distinct().Count(), Is.EqualTo(5));
    }

    [Test]
    public void ARunThatWasStoppedInTheMiddleAsksNothingTwice()
    {
        int answered = 0;
        _service.Default = async (context, request) =>
        {
            if (Interlocked.Increment(ref answered) == 4) _http.Kill.Cancel();
            else await FakeService.Json(context, FakeService.Picture(FakeService.Plain(request.Prompt)));
        };
        Assert.That(() => _http.Ask(8), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(_http.Journal, Has.Count.EqualTo(3));
        Assert.That(_http.Folder.Has("query-pending.json"), "the query in flight is known");
        _http.Kill = new CancellationTokenSource();
        var answers = _http.Ask(8);
        Assert.That(answers.Select(a => a.Image), Is.EqualTo(HttpFixture.Queries(8).Select(q => FakeService.Plain(q.Prompt))));
        var counts = _service.Prompts.CountBy(p => p).ToDictionary();
        Assert.That(counts.Values.Order(), Is.EqualTo(new[] { 1, 1, 1, 1, 1, 1, 1, 2 }), "only the one that was never answered");
        Assert.That(counts[_http.Journal[3].Prompt], Is.EqualTo(2));
        Assert.That(_http.Journal[3], Has.Property("Calls").EqualTo(2).And.Property("Cost").EqualTo(1m), "the lost call is charged");
        var twice = _service.Received.Where(r => r.Prompt == _http.Journal[3].Prompt).Select(r => r.Headers["Idempotency-Key"]);
        Assert.That(twice.Distinct().Count(), Is.EqualTo(1));
        int before = _service.Received.Count;
        Assert.That(_http.Ask(8).Select(a => a.Image), Is.EqualTo(answers.Select(a => a.Image)));
        Assert.That(_service.Received, Has.Count.EqualTo(before), "a finished run asks nothing");
    }

    [Test]
    public void TwoRunsCannotShareAFolder()
    {
        string? second = null;
        _service.Default = (context, request) =>
        {
            second ??= Assert.Throws<AttributionException>(() => _http.Model().Generate(HttpFixture.Queries(2)))!.Message;
            return FakeService.Json(context, FakeService.Picture(FakeService.Plain(request.Prompt)));
        };
        _http.Ask(2);
        Assert.That(second, Does.Contain("another process is asking"));
        Assert.That(_http.Folder.Has("query.lock"), Is.False);
    }

    [Test]
    public void ThePlanHoldsWhatTheIdentityIsTheHashOf()
    {
        _http.Ask(1);
        var plan = JsonNode.Parse(File.ReadAllText(_http.Folder.Path("query-plan.json")))!;
        byte[] canonical = Encoding.UTF8.GetBytes(CanonicalJson.Write(plan["service"]));
        string hash = Convert.ToHexStringLower(SHA256.HashData(canonical));
        Assert.That((string?)plan["suspect"], Is.EqualTo("http:" + hash).And.EqualTo(_http.Model().Identity));
        Assert.That((string?)plan["service"]!["headers"]!["Authorization"], Is.EqualTo("[secret]"));
    }

    [Test]
    public void ALineThatWasCutShortIsAskedAgain()
    {
        _http.Ask(3);
        string file = _http.Folder.Path("queries.jsonl");
        string text = File.ReadAllText(file);
        File.WriteAllText(file, text[..^20]);
        _http.Ask(3);
        Assert.That(_service.Received, Has.Count.EqualTo(4));
        Assert.That(_http.Journal, Has.Count.EqualTo(3));
    }

    [Test]
    public void AFolderOfAnotherRunIsRefused()
    {
        _http.Ask(3);
        Assert.That(_http.Fails(4), Does.Contain("answers of another run"));
        var seed = Assert.Throws<AttributionException>(() => _http.Model().Generate(HttpFixture.Queries(3, seed: 6)));
        Assert.That(seed!.Message, Does.Contain("answers of another run"));
        _http.Description["body_changes"] = new JsonObject { ["model"] = "other" };
        Assert.That(_http.Fails(), Does.Contain("answers of another run"));
    }

    [Test]
    public void AnswersThatWereTamperedWithAreNoticed()
    {
        _http.Ask(3);
        var record = _http.Journal[1];
        _http.Folder.WriteImage(record.Image!, FakeService.Plain("forged"));
        Assert.That(_http.Fails(), Does.Contain("changed after it was recorded"));
        _http.Folder.Write("queries.jsonl", string.Concat(File.ReadLines(_http.Folder.Path("queries.jsonl")).Skip(1).Select(l => l + "\n")));
        Assert.That(_http.Fails(), Does.Contain("not the answer to query 0"));
    }

    [Test]
    public void DecoysAreMixedInLoggedAndNotCounted()
    {
        _http.Description["decoys_per_key"] = 3;
        string[] pool = [.. Enumerable.Range(0, 40).Select(i => $"decoy {i}"), "prompt 1"];
        var answers = _http.Ask(4, pool);
        Assert.That(answers.Select(a => a.Image), Is.EqualTo(HttpFixture.Queries(4).Select(q => FakeService.Plain(q.Prompt))));
        string[] asked = [.. _service.Prompts];
        Assert.That(asked.Count(p => p.StartsWith("decoy", StringComparison.Ordinal)), Is.EqualTo(12));
        Assert.That(asked.Distinct().Count(), Is.EqualTo(16));
        int[] keys = [.. asked.Index().Where(p => p.Item.StartsWith("prompt", StringComparison.Ordinal)).Select(p => p.Index)];
        Assert.That(keys, Is.Not.EqualTo(new[] { 0, 1, 2, 3 }).And.Not.EqualTo(new[] { 12, 13, 14, 15 }));
        Assert.That(_http.Journal.Count(r => r.Kind == QueryKind.Decoy), Is.EqualTo(12));
        using var again = new HttpFixture(_service, "again");
        again.Description["decoys_per_key"] = 3;
        again.Ask(4, pool);
        Assert.That(_service.Prompts.Skip(16), Is.EqualTo(asked), "the seed decides choice and order");
        Assert.That(_service.Received.Select(r => r.Headers["Idempotency-Key"]).Distinct().Count(), Is.EqualTo(32), "no two runs share a name");
    }

    [Test]
    public void DecoysNeedASetAndASetNeedsDecoys()
    {
        Assert.That(() => _http.Model(["a"]), Throws.TypeOf<AttributionException>().With.Message.Contains("asks for no decoys"));
        _http.Description["decoys_per_key"] = 2;
        Assert.That(() => _http.Model(), Throws.TypeOf<AttributionException>().With.Message.Contains("--decoys"));
        Assert.That(
            () => _http.Ask(3, ["a", "prompt 0"]),
            Throws.TypeOf<AttributionException>().With.Message.Contains("6 decoys are wanted and the set has 1"));
        Assert.That(_service.Received, Is.Empty);
    }

    [Test]
    public void CallsKeepTheirPace()
    {
        _http.Limits["calls_per_minute"] = 6;
        _http.Ask(3);
        Assert.That(_http.Pauses, Has.Count.EqualTo(2));
        Assert.That(_http.Pauses, Is.All.InRange(8, 12.6));
    }

    [Test]
    public void SecretsAreNowhereInWhatIsWrittenOrSaid()
    {
        string escaped = HttpFixture.Token.Replace("\"", "\\\"");
        _http.Limits["after_retries"] = "miss";
        _service.Next(
            FakeService.Status(400, $$$"""{"error": {"code": "content_policy_violation", "message": "{{{escaped}}} may not ask"}}"""),
            FakeService.Status(500, $$$"""{"detail": "seen: Bearer {{{escaped}}}"}"""),
            FakeService.Status(500, "seen: " + Uri.EscapeDataString(HttpFixture.Token)),
            FakeService.Status(500, "seen: " + System.Net.WebUtility.HtmlEncode(HttpFixture.Token)));
        var answers = _http.Ask(3);
        Assert.That(answers.Count(a => a.Failure is not null), Is.EqualTo(2));
        string said = _http.Written + string.Concat(answers.Select(a => a.Failure)) + Json.Write(_http.Model().Remote);
        foreach (string part in new[] { "s3cr", "tok/en", "tok%2Fen", "quoted" }) Assert.That(said, Does.Not.Contain(part));
        Assert.That(said, Does.Contain($"[{HttpFixture.TokenVariable}] may not ask"));
    }

    [Test]
    public void APictureByAddressIsFetchedAndFetchedAgainWithoutDrawingTwice()
    {
        _http.Description["response"] = new JsonObject { ["url"] = "output[0]" };
        _service.Next(
            FakeService.Body("""{"output": ["/files/1.png?signature=private"]}"""),
            FakeService.Status(503),
            context => context.Response.Body.WriteAsync(ImageCodecs.Default.EncodePng(FakeService.Plain("prompt 0"))).AsTask());
        Assert.That(_http.Ask(1)[0].Image, Is.EqualTo(FakeService.Plain("prompt 0")));
        Assert.That(_service.Received.Select(r => $"{r.Method} {r.Path}"), Is.EqualTo(
            new[] { "POST /v1/images/generations", "GET /files/1.png", "GET /files/1.png" }));
        Assert.That(_http.Written, Does.Not.Contain("private"));
    }

    [Test]
    public void APictureOnAnotherHostIsFetchedOnlyIfNamedAndWithoutTheSecret()
    {
        using var store = new FakeService();
        byte[] png = ImageCodecs.Default.EncodePng(FakeService.Plain("prompt 0"));
        store.Default = (context, _) => context.Response.Body.WriteAsync(png).AsTask();
        _http.Description["response"] = new JsonObject { ["url"] = "output[0]" };
        _service.Default = (context, _) => FakeService.Json(context, $$"""{"output": ["{{store.Address}}/1.png"]}""");
        Assert.That(_http.Fails(1), Does.Contain("on another host").And.Contain("picture_hosts"));
        Assert.That(store.Received, Is.Empty);
        _http.Description["picture_hosts"] = new JsonArray(new Uri(store.Address).Authority);
        Assert.That(_http.Ask(1)[0].Image, Is.EqualTo(FakeService.Plain("prompt 0")));
        Assert.That(store.Received.Single().Headers.Keys, Does.Not.Contain("Authorization"));
    }

    [TestCase("file:///etc/passwd")]
    [TestCase("ftp://127.0.0.1/x.png")]
    public void APictureAtAnAddressOfAnotherKindIsRefused(string address)
    {
        _http.Description["response"] = new JsonObject { ["url"] = "u" };
        _service.Next(FakeService.Body(new JsonObject { ["u"] = address }.ToJsonString()));
        Assert.That(_http.Fails(1), Does.Contain("not at an http or https address"));
    }

    [Test]
    public void ABodyCanBeThePictureAndATextADataUri()
    {
        _http.Description["response"] = new JsonObject { ["raw"] = true };
        byte[] png = ImageCodecs.Default.EncodePng(FakeService.Plain("p"));
        _service.Next(context => context.Response.Body.WriteAsync(png).AsTask());
        Assert.That(_http.Ask(1)[0].Image, Is.EqualTo(FakeService.Plain("p")));
        using var second = new HttpFixture(_service, "second");
        _service.Next(FakeService.Body(FakeService.Base64("data:image/png;base64," + Convert.ToBase64String(png))));
        Assert.That(second.Ask(1)[0].Image, Is.EqualTo(FakeService.Plain("p")));
    }

    [Test]
    public void AnAnswerWithoutThePicturesPlaceIsNoMiss()
    {
        _service.Default = (context, _) => FakeService.Json(context, """{"created": 1, "images": ["..."]}""");
        Assert.That(_http.Fails(1), Does.Contain("no picture at 'data[0].b64_json' (it has created, images)"));
        Assert.That(_http.Journal, Is.Empty);
    }

    [Test]
    public void Automatic1111GetsTypedMembers()
    {
        _http.Description["preset"] = "automatic1111";
        byte[] png = ImageCodecs.Default.EncodePng(FakeService.Plain("p"));
        string body = new JsonObject { ["images"] = new JsonArray(Convert.ToBase64String(png)), ["info"] = "{}" }.ToJsonString();
        _service.Default = (context, _) => FakeService.Json(context, body);
        _http.Sampling = _http.Sampling with { NegativePrompt = "blurred" };
        _http.Ask(2);
        var request = _service.Received[0].Json;
        Assert.That(_service.Received[0].Path, Is.EqualTo("/sdapi/v1/txt2img"));
        Assert.That((string?)request["negative_prompt"], Is.EqualTo("blurred"));
        Assert.That(request["steps"]!.ToJsonString() + request["cfg_scale"]!.ToJsonString() + request["width"]!.ToJsonString(), Is.EqualTo("42.58"));
        Assert.That((string?)request["sampler_name"], Is.EqualTo("DPM++ 2M"));
        Assert.That(request["seed"]!.GetValue<uint>(), Is.Not.EqualTo(_service.Received[1].Json["seed"]!.GetValue<uint>()));
        Assert.That(request.ContainsKey("cudattr_noise"), Is.False, "a strange service must not learn who asks");
        Assert.That(_service.Received[0].Headers.Keys, Does.Not.Contain("Idempotency-Key"));
    }

    [Test]
    public void ANegativePromptThatIsNotSentIsRefused()
    {
        _http.Sampling = _http.Sampling with { NegativePrompt = "blurred" };
        Assert.That(_http.Fails(1), Does.Contain("sends no negative prompt. Put {negative_prompt} into its body"));
        Assert.That(_service.Received, Is.Empty);
        _http.Description["body_changes"] = new JsonObject { ["avoid"] = "{negative_prompt}" };
        _http.Ask(1);
        Assert.That((string?)_service.Received[0].Json["avoid"], Is.EqualTo("blurred"));
    }

    [Test]
    public void ExactNoiseGoesWithTheRequestWhereItIsWanted()
    {
        _http.Description["exact_noise"] = true;
        _http.Ask(1);
        Assert.That(_service.Received[0].Json["cudattr_noise"]!.ToJsonString(), Is.EqualTo("""{"purpose":"testing","seed":5,"index":0}"""));
    }
}
