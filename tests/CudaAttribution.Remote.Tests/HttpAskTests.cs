using System.Text;

namespace CudaAttribution.Remote.Tests;

/// <summary>Asking one query after another: nothing is asked that nobody waits for, and what a service said is kept.</summary>
public sealed class HttpAskTests : HttpModelFixture
{
    [Test]
    public void WhoStopsTakingAnswersStopsTheAsking()
    {
        var all = Http.Ask(6);
        string[] order = [.. Service.Prompts];
        using var second = new HttpFixture(Service, "second");
        var taken = second.Model().Ask(HttpFixture.Queries(6)).Take(2).ToArray();
        Assert.That(Service.Prompts.Skip(6), Is.EqualTo(order.Take(2)), "the order of the plan, and no call more");
        Assert.That(taken.Select(a => $"prompt {a.Query}"), Is.EqualTo(order.Take(2)));
        Assert.That(taken.Select(a => a.Answer.Image), Is.EqualTo(taken.Select(a => all[a.Query].Image)));
        var rest = second.Model().Ask(HttpFixture.Queries(6)).ToArray();
        Assert.That(rest.Select(a => $"prompt {a.Query}"), Is.EqualTo(order), "the kept answers come first");
        Assert.That(Service.Prompts.Skip(6), Is.EqualTo(order), "nothing is asked twice");
    }

    [Test]
    public void DecoysAreAskedAndNotGiven()
    {
        Http.Description["decoys_per_key"] = 3;
        string[] pool = [.. Enumerable.Range(0, 40).Select(i => $"decoy {i}")];
        using var asked = Http.Model(pool).Ask(HttpFixture.Queries(4)).GetEnumerator();
        Assert.That(Service.Received, Is.Empty, "nothing before the first answer is wanted");
        for (int n = 0; n < 4; n++)
        {
            Assert.That(asked.MoveNext());
            Assert.That(Service.Prompts.Last(), Is.EqualTo($"prompt {asked.Current.Query}"), "a decoy after it is not asked yet");
        }
        Assert.That(asked.MoveNext(), Is.False);
        Assert.That(Service.Received, Has.Count.EqualTo(16), "whoever takes all has the last decoys asked too");
    }

    [Test]
    public void TheBodyIsKeptAsItCame()
    {
        const string refusal = """{"error": {"code": "moderation_blocked", "message": "no"}}""";
        Service.Next(FakeService.Status(400, refusal));
        var asked = Http.Model().Ask(HttpFixture.Queries(2)).ToArray();
        string[] bodies = [refusal, FakeService.Picture(FakeService.Plain($"prompt {asked[1].Query}"))];
        for (int n = 0; n < 2; n++)
        {
            var receipt = asked[n].Answer.Receipt!;
            Assert.That(receipt.ResponseFile, Is.EqualTo($"queries/key-{asked[n].Query:D3}.response"));
            Assert.That(File.ReadAllText(Http.Folder.Path(receipt.ResponseFile!)), Is.EqualTo(bodies[n]));
            Assert.That(receipt.ResponseSha256, Is.EqualTo(Runs.RunFolder.HashFile(Http.Folder.Path(receipt.ResponseFile!))));
        }
        Assert.That(asked[0].Answer.Receipt, Has.Property("Status").EqualTo(400).And.Property("Width").Null);
        Assert.That(asked[1].Answer.Receipt, Has.Property("Status").EqualTo(200).And.Property("Width").EqualTo(8).And.Property("Height").EqualTo(8));
        Assert.That(Http.Model().Ask(HttpFixture.Queries(2)).Select(a => a.Answer.Receipt), Is.EqualTo(asked.Select(a => a.Answer.Receipt)));
        File.AppendAllText(Http.Folder.Path(asked[1].Answer.Receipt!.ResponseFile!), " ");
        Assert.That(Http.Fails(2), Does.Contain("changed after it was kept").And.Contain(".response"));
    }

    [Test]
    public void ASecretThatTheServiceRepeatsIsNotKept()
    {
        byte[] strange = [0xff, 0xfe, 0x00, .. Encoding.UTF8.GetBytes($"<{HttpFixture.Token}>"), 0x80];
        Http.Limits["retries"] = 0;
        Service.Next(context => context.Response.Body.WriteAsync(strange).AsTask());
        var receipt = Http.Ask(1)[0].Receipt!;
        byte[] kept = File.ReadAllBytes(Http.Folder.Path(receipt.ResponseFile!));
        Assert.That(kept, Is.EqualTo((byte[])[0xff, 0xfe, 0x00, .. Encoding.UTF8.GetBytes($"<[{HttpFixture.TokenVariable}]>"), 0x80]));
        Assert.That(Http.Journal[0].ResponseScrubbed);
        Assert.That(Http.Ask(1)[0].Receipt, Is.EqualTo(receipt), "and it is found unchanged");
    }
}
