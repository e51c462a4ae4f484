using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Tests.World;
using Microsoft.AspNetCore.Http;

namespace CudaAttribution.Remote.Tests;

/// <summary>What a lenient client reads is read, and what nobody can read is a failure with its reason; nothing of it ends the run.</summary>
public sealed class HttpReadingTests : HttpModelFixture
{
    // Base64 with all that differs between the alphabets, and padding.
    private static readonly RgbImage Image = Pictures().First(i => Base64(i).Contains('+') && Base64(i).Contains('/') && Base64(i).EndsWith('='));
    private static readonly string Text = Base64(Image), Answer = FakeService.Base64(Text);

    private static readonly Dictionary<string, string> Readable = new()
    {
        ["unpadded"] = FakeService.Base64(Text.TrimEnd('=')),
        ["URL-safe"] = FakeService.Base64(Text.Replace('+', '-').Replace('/', '_')),
        ["URL-safe and unpadded"] = FakeService.Base64(Text.Replace('+', '-').Replace('/', '_').TrimEnd('=')),
        ["in lines"] = FakeService.Base64(string.Join("\r\n", Text.Chunk(76).Select(l => new string(l)))),
        ["with blanks around"] = FakeService.Base64($" {Text}\n"),
        ["data address"] = FakeService.Base64("data:image/png;base64," + Text),
        ["data address in capitals"] = FakeService.Base64(" DATA:image/png;charset=x;BASE64, " + Text.TrimEnd('=')),
        ["byte order mark"] = "\uFEFF" + Answer,
        ["NaN"] = Answer.Insert(1, "\"seed\": NaN, \"loss\": [-Infinity, Infinity], "),
        ["half of a surrogate pair in a value"] = Answer.Insert(1, "\"note\": \"\\ud83d\", "),
        ["half of a surrogate pair in a name"] = Answer.Insert(1, "\"\\ud83d\": 1, "),
        ["member that comes twice"] = Answer.Insert(1, "\"data\": 1, "),
        ["escaped"] = Answer.Replace("/", "\\/").Replace("+", "\\u002b"),
        ["huge number"] = Answer.Insert(1, "\"n\": 1e99999, \"m\": 123456789012345678901234567890, "),
    };

    private static IEnumerable<string> ReadableNames => Readable.Keys;

    [TestCaseSource(nameof(ReadableNames))]
    public void WhatALenientClientReadsIsRead(string name)
    {
        Service.Next(FakeService.Body(Readable[name]));
        Assert.That(Http.Ask(1)[0].Image, Is.EqualTo(Image));
        Assert.That(Service.Received, Has.Count.EqualTo(1));
    }

    [Test]
    public void BytesThatAreNoUtf8DoNotHideThePicture()
    {
        byte[] body = [.. Encoding.UTF8.GetBytes("{\"note\": \""), 0xff, 0xc0, .. Encoding.UTF8.GetBytes("\", " + Answer[1..])];
        Service.Next(Bytes(body));
        Assert.That(Http.Ask(1)[0].Image, Is.EqualTo(Image));
    }

    [TestCase("gzip")]
    [TestCase("x-gzip")]
    [TestCase("GZIP")]
    [TestCase("deflate")]
    [TestCase("raw deflate")]
    [TestCase("br")]
    [TestCase("gzip, br")]
    [TestCase("identity")]
    public void AnAnswerThatIsCompressedUnaskedIsUnpackedAndKeptAsItCame(string coding)
    {
        byte[] body = coding switch
        {
            "gzip, br" => Packed(Packed(Encoding.UTF8.GetBytes(Answer), "gzip"), "br"),
            _ => Packed(Encoding.UTF8.GetBytes(Answer), coding),
        };
        Service.Next(Bytes(body, coding == "raw deflate" ? "deflate" : coding));
        var answer = Http.Ask(1)[0];
        Assert.That(answer.Image, Is.EqualTo(Image));
        Assert.That(File.ReadAllBytes(Http.Folder.Path(answer.Receipt!.ResponseFile!)), Is.EqualTo(body));
        Assert.That(Service.Received[0].Headers.Keys, Does.Not.Contain("Accept-Encoding"));
    }

    [Test]
    public void UnpackingIsBounded()
    {
        Http.Limits["max_response_mib"] = 1;
        Http.Limits["retries"] = 0;
        byte[] bomb = Packed(new byte[200 << 20], "gzip");
        Assert.That(bomb, Has.Length.LessThan(1 << 20));
        Service.Next(Bytes(bomb, "gzip"));
        long before = GC.GetTotalAllocatedBytes();
        Assert.That(Http.Ask(1)[0].Failure, Does.Contain("unpacks to more than 1 MiB"));
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(50 << 20));
    }

    [TestCase("gzip", "gzip data are damaged")]
    [TestCase("deflate", "deflate data are damaged")]
    [TestCase("br", "br data are damaged")]
    [TestCase("zstd", "compressed as 'zstd'")]
    public void WhatCannotBeUnpackedIsAFailure(string coding, string reason)
    {
        Http.Limits["retries"] = 0;
        Service.Next(Bytes([0x78, 0x9c, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7], coding));
        var answer = Http.Ask(1)[0];
        Assert.That(answer.Failure, Does.Contain(reason));
        Assert.That(answer.Receipt!.ResponseFile, Is.Not.Null);
    }

    [Test]
    public void ASecretIsFoundInWhatIsCompressed()
    {
        Http.Limits["retries"] = 0;
        Service.Next(Bytes(Packed(Encoding.UTF8.GetBytes($"<{HttpFixture.Token}>"), "gzip"), "gzip"));
        var receipt = Http.Ask(1)[0].Receipt!;
        Assert.That(File.ReadAllText(Http.Folder.Path(receipt.ResponseFile!)), Is.EqualTo($"<[{HttpFixture.TokenVariable}]>"));
    }

    [TestCase("<!DOCTYPE html><html><head><title>Sign in &amp; wait</title></head>", "an HTML page instead of a picture: \"Sign in & wait\"")]
    [TestCase("\n <html lang='en'><body>Sign in</body></html>", "an HTML page instead of a picture")]
    [TestCase("<HTML><TITLE lang=en>\ud83d\ude00 Wait</TITLE>", "an HTML page instead of a picture: \"Wait\"")]
    public void APageForPeopleIsNamedByItsTitle(string page, string reason)
    {
        Http.Limits["retries"] = 1;
        Service.Default = (context, _) => context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(page)).AsTask();
        Assert.That(Http.Ask(2).Select(a => a.Failure), Is.All.EqualTo(reason));
        using var raw = new HttpFixture(Service, "raw");
        raw.Description["response"] = new JsonObject { ["raw"] = true };
        Assert.That(raw.Ask(1)[0].Failure, Is.EqualTo(reason));
    }

    [TestCase("""{"error": {"code": "content_policy_violation", "message": "no \ud83d, never"}}""", "refused by the service: no \ufffd, never")]
    [TestCase("""{"error": {"code": "content_policy_violation", "\ud83d": 1}}""", "refused by the service: {\"error\"")]
    [TestCase("""{"error": "content_policy_violation", "error": "blocked by content_filter"}""", "refused by the service: blocked")]
    public void ARefusalThatIsBrokenJsonIsARefusal(string body, string said)
    {
        Service.Next(FakeService.Status(400, body));
        Assert.That(Http.Ask(1)[0].Failure, Does.StartWith(said));
        Assert.That(Http.Journal[0].Outcome, Is.EqualTo(QueryOutcome.Refused));
    }

    [TestCase(401, "denies access")]
    [TestCase(404, "does not take the request")]
    [TestCase(200, "no picture at 'data[0].b64_json'")]
    public void HalfASurrogatePairStopsARunWithASentenceOnly(int status, string said)
    {
        Http.Limits["retries"] = 0;
        Service.Default = (context, _) => FakeService.Json(context, """{"\ud83d": "\ud83d", "error": {"message": "\ud83d"}, "data": "\udead"}""", status);
        Assert.That(Http.Fails(1), Does.Contain(said));
    }

    [TestCase("#ffffff", 64, "blank: one colour, #ffffff")]
    [TestCase("#000000", 64, "all black")]
    [TestCase("#102030", 1, "1 x 1 pixels")]
    public void APictureThatShowsNothingIsAFailureAndIsNotDrawnAgain(string colour, int side, string reason)
    {
        byte[] rgb = Convert.FromHexString(colour[1..]);
        Service.Default = (context, _) => FakeService.Json(context, FakeService.Picture(RgbImage.Filled(side, side, rgb[0], rgb[1], rgb[2])));
        Assert.That(Http.Ask(2).Select(a => a.Failure), Is.All.Contains(reason));
        Assert.That(Service.Received, Has.Count.EqualTo(2));
        Assert.That(Http.Journal.Select(r => r.Outcome), Is.All.EqualTo(QueryOutcome.Failed));
        Assert.That(Http.Journal.Select(r => r.Image), Is.All.Null);
        Assert.That(Http.Ask(2).Select(a => a.Failure), Is.All.Contains(reason), "from the journal");
    }

    [Test]
    public void ATransparentPictureIsBlank()
    {
        // 8 x 8, RGBA, all zero: nothing but the white that it is laid over.
        const string png = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAYAAADED76LAAAADUlEQVR42mNgGAUgAAABCAABXbcZDQAAAABJRU5ErkJggg==";
        Service.Next(FakeService.Body(FakeService.Base64(png)));
        Http.Limits["retries"] = 0;
        Assert.That(Http.Ask(1)[0].Failure, Does.Contain("blank: one colour, #ffffff"));
    }

    [Test]
    public void TheOtherPresetIsNamedWhereTheServiceAsksForIt()
    {
        (Http.Description["preset"], Http.Limits["retries"]) = ("openai-images-2023", 0);
        Service.Next(FakeService.Status(400, """{"error": {"message": "Unknown parameter: 'response_format'.", "param": "response_format"}}"""));
        Assert.That(Http.Fails(1), Does.Contain("Use the preset \"openai-images\""));
        using var today = new HttpFixture(Service, "today");
        today.Limits["retries"] = 0;
        Service.Next(FakeService.Body("""{"data": [{"url": "https://example.com/1.png"}]}"""));
        Assert.That(today.Fails(1), Does.Contain("the preset openai-images-2023 asks for the picture itself"));
        Service.Next(FakeService.Status(
            400, """{"error": {"message": "Invalid value: '8x8'. Supported values are: '1024x1024', '1536x1024'.", "param": "size"}}"""));
        Assert.That(today.Fails(1), Does.Contain("'1536x1024'). Set \"width\" and \"height\" in the description"));
    }

    private static Func<HttpContext, Task> Bytes(byte[] body, string? coding = null) => context =>
    {
        if (coding is not null) context.Response.Headers.ContentEncoding = coding;
        return context.Response.Body.WriteAsync(body).AsTask();
    };

    private static byte[] Packed(byte[] plain, string coding)
    {
        using var packed = new MemoryStream();
        Stream stream = coding.ToLowerInvariant() switch
        {
            "deflate" => new ZLibStream(packed, CompressionLevel.Optimal),
            "raw deflate" => new DeflateStream(packed, CompressionLevel.Optimal),
            "br" => new BrotliStream(packed, CompressionLevel.Fastest),
            "identity" => packed,
            _ => new GZipStream(packed, CompressionLevel.Optimal),
        };
        stream.Write(plain);
        stream.Dispose();
        return packed.ToArray();
    }

    private static string Base64(RgbImage image) => Convert.ToBase64String(ImageCodecs.EncodePng(image));

    private static IEnumerable<RgbImage> Pictures()
    {
        var random = new SplitMix64(1);
        while (true) yield return TestWorld.Picture(ref random);
    }
}
