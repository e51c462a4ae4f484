using System.Text.Json.Nodes;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;

namespace CudaAttribution.Remote.Tests;

/// <summary>Pictures as services send them: damaged, of another size, too large, elsewhere.</summary>
public sealed class HttpPictureTests : HttpModelFixture
{
    [Test]
    public void ADamagedPictureIsAskedForAgainUnderAnotherName()
    {
        string whole = FakeService.Picture(FakeService.Plain("x", 64));
        Service.Next(FakeService.Body(whole[..(whole.Length / 2)]), FakeService.Cut);
        Assert.That(Http.Ask(1)[0].Image, Is.Not.Null);
        var names = Service.Received.Select(r => r.Headers["Idempotency-Key"]).ToArray();
        Assert.That(names[1], Is.Not.EqualTo(names[0]), "a service may repeat its stored answer to the same name");
        Assert.That(names[2], Is.EqualTo(names[1]), "no complete answer arrived");
    }

    [Test]
    public void APictureThatStaysDamagedIsRecordedAsAMiss()
    {
        byte[] png = ImageCodecs.EncodePng(FakeService.Plain("x", 64));
        string[] damaged =
        [
            FakeService.Base64(Convert.ToBase64String(png.AsSpan(0, png.Length - 20))),
            FakeService.Base64("not base64!"),
            FakeService.Base64(Convert.ToBase64String("not a picture at all"u8)),
        ];
        Service.Next([.. damaged.Select(FakeService.Body)]);
        var answers = Http.Ask();
        Assert.That(answers.Count(a => a.Image is null), Is.EqualTo(1));
        var record = Http.Journal[0];
        Assert.That(record, Has.Property("Outcome").EqualTo(QueryOutcome.Failed).And.Property("Calls").EqualTo(3));
        Assert.That(record.Failure, Does.Contain("cannot be decoded"));
        Assert.That(Service.Received, Has.Count.EqualTo(5));
    }

    [Test]
    public void APictureOfAnotherSizeIsResizedAndThatIsRecorded()
    {
        var large = FakeService.Plain("x", 31);
        large.Pixels[0] = 255;
        Service.Next(FakeService.Body(FakeService.Picture(large)));
        var answers = Http.Ask();
        var record = Http.Journal[0];
        Assert.That(record, Has.Property("Resized").True.And.Property("Width").EqualTo(31).And.Property("Height").EqualTo(31));
        Assert.That(Http.Journal.Count(r => r.Resized), Is.EqualTo(1));
        Assert.That(answers[record.Index].Image, Is.EqualTo(large.Resize(8, 8)));
        Assert.That(PictureFiles.Read(Http.Folder.Path(record.Image!)), Is.EqualTo(large), "evidence is kept as it came");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void AnAnswerThatIsTooLargeIsNotRead(bool announced)
    {
        Http.Limits["max_response_mib"] = 1;
        Http.Limits["retries"] = 0;
        var hungUp = new TaskCompletionSource();
        Service.Next(async context =>
        {
            context.RequestAborted.Register(hungUp.SetResult);
            byte[] part = new byte[1 << 16];
            if (announced) context.Response.ContentLength = 1L << 40;
            while (!hungUp.Task.IsCompleted) await context.Response.Body.WriteAsync(part, context.RequestAborted);
        });
        Assert.That(Http.Ask(1)[0].Failure, Does.Contain("larger than 1 MiB"));
        Assert.That(hungUp.Task.Wait(TimeSpan.FromSeconds(30)), "the caller hangs up");
    }

    [Test]
    public void APictureByAddressIsFetchedAndFetchedAgainWithoutDrawingTwice()
    {
        Http.Description["response"] = new JsonObject { ["url"] = "output[0]" };
        Service.Next(
            FakeService.Body("""{"output": ["/files/1.png?signature=private"]}"""),
            FakeService.Status(503),
            context => context.Response.Body.WriteAsync(ImageCodecs.EncodePng(FakeService.Plain("prompt 0"))).AsTask());
        Assert.That(Http.Ask(1)[0].Image, Is.EqualTo(FakeService.Plain("prompt 0")));
        Assert.That(Service.Received.Select(r => $"{r.Method} {r.Path}"), Is.EqualTo(
            new[] { "POST /v1/images/generations", "GET /files/1.png", "GET /files/1.png" }));
        Assert.That(Http.Written, Does.Not.Contain("private"));
    }

    [Test]
    public void APictureOnAnotherHostIsFetchedOnlyIfNamedAndWithoutTheSecret()
    {
        using var store = new FakeService();
        byte[] png = ImageCodecs.EncodePng(FakeService.Plain("prompt 0"));
        store.Default = (context, _) => context.Response.Body.WriteAsync(png).AsTask();
        Http.Description["response"] = new JsonObject { ["url"] = "output[0]" };
        Service.Default = (context, _) => FakeService.Json(context, $$"""{"output": ["{{store.Address}}/1.png"]}""");
        Assert.That(Http.Fails(1), Does.Contain("on another host").And.Contain("picture_hosts"));
        Assert.That(store.Received, Is.Empty);
        Http.Description["picture_hosts"] = new JsonArray(new Uri(store.Address).Authority);
        Assert.That(Http.Ask(1)[0].Image, Is.EqualTo(FakeService.Plain("prompt 0")));
        Assert.That(store.Received.Single().Headers.Keys, Does.Not.Contain("Authorization"));
    }

    [TestCase("file:///etc/passwd")]
    [TestCase("ftp://127.0.0.1/x.png")]
    public void APictureAtAnAddressOfAnotherKindIsRefused(string address)
    {
        Http.Description["response"] = new JsonObject { ["url"] = "u" };
        Service.Next(FakeService.Body(new JsonObject { ["u"] = address }.ToJsonString()));
        Assert.That(Http.Fails(1), Does.Contain("not at an http or https address"));
    }

    [Test]
    public void ABodyCanBeThePictureAndATextADataUri()
    {
        Http.Description["response"] = new JsonObject { ["raw"] = true };
        byte[] png = ImageCodecs.EncodePng(FakeService.Plain("p"));
        Service.Next(context => context.Response.Body.WriteAsync(png).AsTask());
        Assert.That(Http.Ask(1)[0].Image, Is.EqualTo(FakeService.Plain("p")));
        using var second = new HttpFixture(Service, "second");
        Service.Next(FakeService.Body(FakeService.Base64("data:image/png;base64," + Convert.ToBase64String(png))));
        Assert.That(second.Ask(1)[0].Image, Is.EqualTo(FakeService.Plain("p")));
    }

    [Test]
    public void AnAnswerWithoutThePicturesPlaceIsNoMiss()
    {
        Service.Default = (context, _) => FakeService.Json(context, """{"created": 1, "images": ["..."]}""");
        Assert.That(Http.Fails(1), Does.Contain("no picture at 'data[0].b64_json' (it has created, images)"));
        Assert.That(Http.Journal, Is.Empty);
    }
}
