using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Runs;

namespace CudaAttribution.Remote.Tests;

/// <summary>A run that stops goes on from what is on disk, and only if that is its own.</summary>
public sealed class HttpResumeTests : HttpModelFixture
{
    [Test]
    public void TheBudgetStopsTheRunAndAnsweredQueriesStay()
    {
        Http.Limits["budget"] = 1.4;
        Service.Next(FakeService.Status(500));
        Assert.That(Http.Fails(5), Does.Contain("the budget is spent: 1.0 of 1.4").And.Contain("All 2 answers"));
        Assert.That(Service.Received, Has.Count.EqualTo(3));
        Assert.That(Http.Fails(5), Does.Contain("the budget is spent"));
        Assert.That(Service.Received, Has.Count.EqualTo(3), "not one call more");
        Http.Limits["budget"] = 2.5;
        Assert.That(Http.Ask(5).All(a => a.Image is not null));
        Assert.That(Service.Received, Has.Count.EqualTo(6));
        Assert.That(Service.Prompts.Skip(1).Distinct().Count(), Is.EqualTo(5));
    }

    [Test]
    public void ARunThatWasStoppedInTheMiddleAsksNothingTwice()
    {
        int answered = 0;
        Service.Default = async (context, request) =>
        {
            if (Interlocked.Increment(ref answered) == 4) Http.Kill.Cancel();
            else await FakeService.Json(context, FakeService.Picture(FakeService.Plain(request.Prompt)));
        };
        Assert.That(() => Http.Ask(8), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Http.Journal, Has.Count.EqualTo(3));
        Assert.That(Http.Folder.Has("query-pending.json"), "the query in flight is known");
        Http.Kill = new CancellationTokenSource();
        var answers = Http.Ask(8);
        Assert.That(answers.Select(a => a.Image), Is.EqualTo(HttpFixture.Queries(8).Select(q => FakeService.Plain(q.Prompt))));
        var counts = Service.Prompts.CountBy(p => p).ToDictionary();
        Assert.That(counts.Values.Order(), Is.EqualTo(new[] { 1, 1, 1, 1, 1, 1, 1, 2 }), "only the one that was never answered");
        Assert.That(counts[Http.Journal[3].Prompt], Is.EqualTo(2));
        Assert.That(Http.Journal[3], Has.Property("Calls").EqualTo(2).And.Property("Cost").EqualTo(1m), "the lost call is charged");
        var twice = Service.Received.Where(r => r.Prompt == Http.Journal[3].Prompt).Select(r => r.Headers["Idempotency-Key"]);
        Assert.That(twice.Distinct().Count(), Is.EqualTo(1));
        int before = Service.Received.Count;
        Assert.That(Http.Ask(8).Select(a => a.Image), Is.EqualTo(answers.Select(a => a.Image)));
        Assert.That(Service.Received, Has.Count.EqualTo(before), "a finished run asks nothing");
    }

    [Test]
    public void TwoRunsCannotShareAFolder()
    {
        string? second = null;
        Service.Default = (context, request) =>
        {
            second ??= Assert.Throws<UserException>(() => Http.Model().Generate(HttpFixture.Queries(2)))!.Message;
            return FakeService.Json(context, FakeService.Picture(FakeService.Plain(request.Prompt)));
        };
        Http.Ask(2);
        Assert.That(second, Does.Contain("is at work on this folder"));
        Assert.That(Http.Folder.Has("query.lock"), Is.False);
    }

    [Test]
    public void ThePlanHoldsWhatTheIdentityIsTheHashOf()
    {
        Http.Ask(1);
        var plan = JsonNode.Parse(File.ReadAllText(Http.Folder.Path("query-plan.json")))!;
        byte[] canonical = Encoding.UTF8.GetBytes(CanonicalJson.Write(plan["service"]));
        string hash = Convert.ToHexStringLower(SHA256.HashData(canonical));
        Assert.That((string?)plan["suspect"], Is.EqualTo("http:" + hash).And.EqualTo(Http.Model().Identity));
        Assert.That((string?)plan["service"]!["headers"]!["Authorization"], Is.EqualTo("[secret]"));
    }

    [Test]
    public void ALineThatWasCutShortIsAskedAgain()
    {
        Http.Ask(3);
        string file = Http.Folder.Path("queries.jsonl");
        string text = File.ReadAllText(file);
        File.WriteAllText(file, text[..^20]);
        Http.Ask(3);
        Assert.That(Service.Received, Has.Count.EqualTo(4));
        Assert.That(Http.Journal, Has.Count.EqualTo(3));
    }

    [Test]
    public void AFolderOfAnotherRunIsRefused()
    {
        Http.Ask(3);
        Assert.That(Http.Fails(4), Does.Contain("answers of another run"));
        var seed = Assert.Throws<UserException>(() => Http.Model().Generate(HttpFixture.Queries(3, seed: 6)));
        Assert.That(seed!.Message, Does.Contain("answers of another run"));
        Http.Description["body_changes"]!["model"] = "other";
        Assert.That(Http.Fails(), Does.Contain("answers of another run"));
    }

    [Test]
    public void AnswersThatWereTamperedWithAreNoticed()
    {
        Http.Ask(3);
        var record = Http.Journal[1];
        Http.Folder.WriteImage(record.Image!, FakeService.Plain("forged"));
        Assert.That(Http.Fails(), Does.Contain("changed after it was kept"));
        Http.Folder.Write("queries.jsonl", string.Concat(File.ReadLines(Http.Folder.Path("queries.jsonl")).Skip(1).Select(l => l + "\n")));
        Assert.That(Http.Fails(), Does.Contain("not the answer to query 0"));
    }
}
