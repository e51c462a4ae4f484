using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace CudaAttribution.Remote.Tests;

/// <summary>What a service that fails, refuses or stays silent does to a run.</summary>
public sealed class HttpFailureTests : HttpModelFixture
{
    [TestCase(401)]
    [TestCase(403)]
    public void AWrongTokenStopsAtOnce(int status)
    {
        Service.Next(FakeService.Status(status, $$$"""{"error": {"message": "no such key: {{{HttpFixture.Token.Replace("\"", "\\\"")}}}"}}"""));
        string error = Http.Fails();
        Assert.That(error, Does.Contain($"denies access ({status}: no such key: [{HttpFixture.TokenVariable}]").And.Contain("environment variable"));
        Assert.That(Service.Received, Has.Count.EqualTo(1));
        Assert.That(Http.Journal, Is.Empty);
        Assert.That(Http.Ask(), Has.Count.EqualTo(3), "with a right token the same folder goes on");
        Assert.That(Http.Model().Generate(HttpFixture.Queries(3)), Has.Count.EqualTo(3));
        Assert.That(Http.Journal.Sum(r => r.Cost), Is.EqualTo(1.5m), "a denial is free");
    }

    [Test]
    public void TooManyRequestsAreRepeatedAfterTheTimeAskedFor()
    {
        Service.Next(FakeService.Status(429, retryAfter: "7"), FakeService.Status(429));
        Assert.That(Http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(Http.Pauses, Has.Count.EqualTo(2));
        Assert.That(Http.Pauses[0], Is.InRange(7, 7.7));
        Assert.That(Http.Pauses[1], Is.InRange(1, 2), "back-off of its own: twice the first");
        Assert.That(Http.Journal.Single(), Has.Property("Calls").EqualTo(3).And.Property("Cost").EqualTo(0.5m));
        Assert.That(Service.Received.Select(r => r.Headers["Idempotency-Key"]).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public void ATimeOfDayToWaitForIsUnderstood()
    {
        Service.Next(FakeService.Status(503, retryAfter: DateTimeOffset.UtcNow.AddSeconds(60).ToString("R")));
        Assert.That(Http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(Http.Pauses.Single(), Is.InRange(50, 66));
    }

    [Test]
    public void ATimeThatIsTooLongStops()
    {
        Service.Next(FakeService.Status(429, retryAfter: "86400"));
        Assert.That(Http.Fails(), Does.Contain("asks to wait 86400 s").And.Contain("the same command goes on"));
        Assert.That(Service.Received, Has.Count.EqualTo(1));
    }

    [Test]
    public void AFailureOfTheServiceIsRepeated()
    {
        Service.Next(FakeService.Status(500, "{\"detail\": \"out of memory\"}"), FakeService.Status(503));
        Assert.That(Http.Ask(2).All(a => a.Image is not null));
        Assert.That(Http.Model().Remote!.Calls, Is.Zero, "a fresh model knows nothing before it reads the journal");
        var model = Http.Model();
        model.Generate(HttpFixture.Queries(2));
        Assert.That(model.Remote, Has.Property("Calls").EqualTo(4).And.Property("Retries").EqualTo(2).And.Property("Cost").EqualTo(1m));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void AServiceThatFallsSilentIsAskedAgain(bool inTheMiddle)
    {
        Http.Limits["timeout_seconds"] = 0.3;
        Service.Next(inTheMiddle ? FakeService.Stall : FakeService.Silence);
        Assert.That(Http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(Http.Journal.Single(), Has.Property("Calls").EqualTo(2).And.Property("Cost").EqualTo(1m), "it may have drawn: charged");
        Assert.That(Service.Received.Select(r => r.Headers["Idempotency-Key"]).Distinct().Count(), Is.EqualTo(1));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void WhoeverWaitsForAnAnswerCanStop(bool inTheMiddle)
    {
        Http.Limits["timeout_seconds"] = 3600;
        Service.Next(context =>
        {
            Http.Kill.CancelAfter(TimeSpan.FromSeconds(0.3));
            return inTheMiddle ? FakeService.Stall(context) : FakeService.Silence(context);
        });
        Assert.That(() => Http.Ask(1), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void AServiceThatIsDownStopsTheRunAndTheRunGoesOn()
    {
        Service.Next([.. Enumerable.Repeat(FakeService.Status(502, "<html>bad\n gateway</html>"), 3)]);
        Assert.That(Http.Fails(), Does.Contain("not answered in 3 calls").And.Contain("502: <html>bad gateway</html>").And.Contain("after_retries"));
        Assert.That(Http.Ask().All(a => a.Image is not null));
        Assert.That(Http.Journal[0].Calls, Is.EqualTo(4));
        Assert.That(Service.Received.Take(4).Select(r => r.Headers["Idempotency-Key"]).Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public void AnUnansweredQueryIsAMissWhereThatIsWanted()
    {
        Http.Limits["after_retries"] = "miss";
        Service.Next([.. Enumerable.Repeat(FakeService.Status(500), 3)]);
        var answers = Http.Ask();
        Assert.That(answers.Count(a => a.Failure?.Contains("answered 500") == true), Is.EqualTo(1));
        Assert.That(Http.Journal[0], Has.Property("Outcome").EqualTo(QueryOutcome.Failed));
        Assert.That(Service.Received, Has.Count.EqualTo(5));
    }

    [Test]
    public void NobodyListeningIsSaid()
    {
        Http.Description["url"] = "http://127.0.0.1:1";
        Assert.That(Http.Fails(), Does.Contain("the connection to 127.0.0.1 failed").And.Contain("answers so far are kept"));
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

    [TestCase("""{"error": {"code": "content_policy_violation", "message": "I will not draw that."}}""")]
    [TestCase("""{"error": {"message": "Your request was rejected by the safety system.", "code": "moderation_blocked"}}""")]
    public void ARefusalIsAMissAndNotRepeated(string body)
    {
        Service.Next(FakeService.Status(400, body));
        var answers = Http.Ask();
        Assert.That(Service.Received, Has.Count.EqualTo(3));
        Assert.That(answers.Count(a => a.Image is null), Is.EqualTo(1));
        Assert.That(Http.Journal[0], Has.Property("Outcome").EqualTo(QueryOutcome.Refused).And.Property("Status").EqualTo(400));
        Assert.That(Http.Journal[0].Failure, Does.StartWith("refused by the service: "));
        var model = Http.Model();
        model.Generate(HttpFixture.Queries(3));
        Assert.That(model.Remote, Has.Property("Refusals").EqualTo(1).And.Property("Pictures").EqualTo(2));
    }

    [Test]
    public void AServiceMayRefuseInItsOwnWay()
    {
        Http.Description["refusal"] = JsonNode.Parse("""{"statuses": [403], "contains": ["Not Suitable"]}""");
        Service.Next(FakeService.Status(403, """{"name": "not suitable"}"""), FakeService.Status(403, """{"name": "no such key"}"""));
        Assert.That(Http.Fails(), Does.Contain("denies access"));
        Assert.That(Http.Journal.Single().Outcome, Is.EqualTo(QueryOutcome.Refused));
        using var second = new HttpFixture(Service, "second");
        Service.Next(FakeService.Body("""{"error": {"code": "content_policy_violation"}}"""));
        second.Ask(1);
        Assert.That(second.Journal.Single().Outcome, Is.EqualTo(QueryOutcome.Refused), "said with a status of success");
    }

    [Test]
    public void ARequestThatIsWrongStops()
    {
        Service.Next(FakeService.Status(400, """{"error": {"message": "Unknown parameter: 'response_format'."}}"""));
        Assert.That(Http.Fails(), Does.Contain("does not take the request (400: Unknown parameter: 'response_format')").And.Contain("Correct"));
        Assert.That(Service.Received, Has.Count.EqualTo(1));
    }

    [Test]
    public void ARedirectElsewhereIsRefused()
    {
        using var other = new FakeService();
        Service.Next(FakeService.Status(307, location: other.Address + "/v1/images/generations?session=private"));
        string error = Http.Fails();
        Assert.That(error, Does.Contain("redirects to another place").And.Contain(new Uri(other.Address).Authority).And.Not.Contain("private"));
        Assert.That(other.Received, Is.Empty);
    }

    [Test]
    public void ARedirectWithinTheServiceIsFollowedOnlyIfItKeepsTheRequest()
    {
        Service.Next(FakeService.Status(308, location: "/v2/images"));
        Assert.That(Http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(Service.Received[1], Has.Property("Path").EqualTo("/v2/images").And.Property("Body").EqualTo(Service.Received[0].Body));
        using var second = new HttpFixture(Service, "second");
        Service.Next(FakeService.Status(302, location: "/v2/images"));
        Assert.That(second.Fails(), Does.Contain("would drop the request (302)"));
    }
}
