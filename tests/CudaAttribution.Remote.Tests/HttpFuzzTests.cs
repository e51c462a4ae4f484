using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Runs;
using CudaAttribution.Tests.World;
using Microsoft.AspNetCore.Http;

namespace CudaAttribution.Remote.Tests;

/// <summary>
/// Answers that were damaged by chance, over HTTP: each ends in a picture that was really sent, a failure with a reason or a run that stops with a
/// sentence.
/// </summary>
public sealed partial class HttpFuzzTests
{
    private const int Protocols = 5;

    private static readonly string[] Tokens =
    [
        "\\ud83d", "\\ude00", "\\u0000", "NaN", "-Infinity", "\uFEFF", "null", "{}", "[]", "[[[[", "}}", "\"", "\\", ",", ":", "1e999", "-1", "0",
        "99999999999999999999", "<html><title>x</title>", "data:image/png;base64,", "http://127.0.0.1:1/x.png", "https://example.com/", "//", "error",
        "content_policy_violation", "\"data\": [], ", "\"images\": 3, ", "\"status\": 7, ", "\"outputs\": {}, ", "\"info\": \"{\\\"sd_model_hash\\\": 1}\", ",
        "%2e%2e/", "\r\n\r\n", "=", "====",
    ];

    private static readonly RgbImage First, Second;

    private FakeService _service = null!;
    private HttpFixture _http = null!;

    static HttpFuzzTests()
    {
        var random = new SplitMix64(11);
        (First, Second) = (TestWorld.Picture(ref random), TestWorld.Picture(ref random));
    }

    [SetUp]
    public void Start() => _http = new HttpFixture(_service = new FakeService(), "fuzz");

    [TearDown]
    public void Stop()
    {
        _http.Dispose();
        _service.Dispose();
    }

    [Test]
    public void DamagedAnswersNeverBecomeAnotherPictureNorADefect()
    {
        const int count = 10_000;
        var ends = new Dictionary<string, int>();
        var protocols = Enumerable.Range(0, Protocols).Select(Protocol).ToArray();
        for (int n = 0; n < count; n++)
        {
            var random = new SplitMix64((ulong)n);
            int kind = n % Protocols;
            var sent = new List<byte[]>();
            _service.Default = (context, request) => Damaged(context, Sound(kind, request), ref random, sent);
            string end = Outcome(protocols[kind], sent, n);
            ends[end] = ends.GetValueOrDefault(end) + 1;
        }
        TestContext.Out.WriteLine(string.Join(", ", ends.Select(e => $"{e.Key} {e.Value}")));
        foreach (string end in new[] { "Picture", "Unusable", "Trouble", "Stop", "Refused" }) Assert.That(ends.GetValueOrDefault(end), Is.GreaterThan(50), end);
    }

    [Test]
    public void ARunOverDamagedAnswersEndsWithAnAnswerToEachQueryOrASentence()
    {
        int whole = 0;
        for (int n = 0; n < 60; n++)
        {
            var random = new SplitMix64((ulong)(n + 1_000_000));
            var sent = new List<byte[]>();
            _service.Default = (context, request) => Damaged(context, Sound(0, request), ref random, sent);
            using var http = new HttpFixture(_service, $"fuzz-{n}");
            http.Limits["retries"] = 0;
            http.Limits["after_retries"] = "miss";
            try
            {
                var answers = http.Ask(4);
                Assert.That(answers.All(a => a.Image is not null == a.Failure is null));
                Assert.That(Json.Write(http.Journal), Is.Not.Empty);
                whole++;
            }
            catch (UserException e)
            {
                Assert.That(e.Remedy, Is.Not.Empty);
            }
        }
        Assert.That(whole, Is.GreaterThan(10));
    }

    private static string Outcome(IPictureProtocol protocol, List<byte[]> sent, int n)
    {
        var query = new HttpQuery(new TemplateValues("p", 1, 8, 8, new SamplingRecipe(), "DDIM"), new NoiseId(NoisePurpose.Testing, "x", 1, n));
        try
        {
            var result = protocol.Ask(query, Guid.NewGuid(), perhapsSent: false, CancellationToken.None);
            if (result.Image is { } image)
                Assert.That(sent.SelectMany(Decodable).Contains(image), $"answer {n} became a picture that nobody sent");
            else
                Assert.That(result.Reason, Is.Not.Empty);
            return result.Outcome.ToString();
        }
        catch (HttpTroubleException e)
        {
            Assert.That(e.Message, Does.Not.Contain("no answer"), $"answer {n} was waited for");
            return "Trouble";
        }
        catch (UserException)
        {
            return "Stop";
        }
        catch (Exception e) when (e is not AssertionException)
        {
            Assert.Fail($"answer {n} is a defect of the program:\n{string.Join("\n", sent.Select(Encoding.Latin1.GetString))}\n{e}");
            throw;
        }
    }

    private IPictureProtocol Protocol(int kind)
    {
        _http.Description["preset"] = kind switch { 2 => "automatic1111", 3 => "comfyui", _ => "openai-images" };
        _http.Description["body_changes"] = JsonNode.Parse(
            kind == 3 ? """{"1": {"inputs": {"ckpt_name": "x"}}}""" : """{"model": "m", "size": "auto"}""");
        _http.Description["response"] = kind switch { 1 => JsonNode.Parse("""{"url": "data[0].url"}"""), 4 => JsonNode.Parse("""{"raw": true}"""), _ => null };
        if (_http.Description["response"] is null) _http.Description.Remove("response");
        _http.Limits["max_response_mib"] = 1;
        var service = _http.Service();
        var channel = new HttpChannel(service.Description.Limits, service.Secrets.Scrub);
        var reader = new ReplyReader(service);
        return kind == 3
            ? new ComfyUiProtocol(service, channel, reader, (_, _) => throw new HttpTroubleException("it is still at work"))
            : new SingleCallProtocol(service, channel, reader);
    }

    private static byte[] Sound(int kind, Received request)
    {
        string png = FakeService.Base64Of(First), other = FakeService.Base64Of(Second);
        if (kind == 4 || request.Path.StartsWith("/files", StringComparison.Ordinal) || request.Path == "/view") return ImageCodecs.EncodePng(First);
        return Encoding.UTF8.GetBytes(kind switch
        {
            0 => $$$"""{"created": 1, "data": [{"b64_json": "{{{png}}}"}, {"b64_json": "{{{other}}}"}], "usage": {"n": 2}}""",
            1 => """{"data": [{"url": "/files/1.png"}]}""",
            2 => $$$"""{"images": ["{{{png}}}", "{{{other}}}"], "parameters": {}, "info": "{\"sd_model_hash\": \"a\", \"steps\": 25, \"seed\": 1}"}""",
            _ when request.Path == "/prompt" => """{"prompt_id": "id", "number": 1}""",
            _ => """{"id": {"outputs": {"7": {"images": [{"filename": "1.png", "subfolder": "", "type": "output"}]}}, "status": {"status_str": "success"}}}""",
        });
    }

    /// <summary>Answers with what chance makes of a sound answer, and notes it.</summary>
    private static Task Damaged(HttpContext context, byte[] body, ref SplitMix64 random, List<byte[]> sent)
    {
        if (random.Below(20) == 0)
        {
            context.Response.StatusCode = 400;
            body = Encoding.UTF8.GetBytes("""{"error": {"code": "content_policy_violation", "message": "never"}}""");
        }
        // A protocol with several steps would seldom get to the last one if each step were damaged.
        if (random.Below(3) > 0) body = Damaged(body, ref random);
        sent.Add(body);
        if (random.Below(10) == 0) context.Response.StatusCode = new[] { 201, 400, 401, 422, 429, 500, 302 }[random.Below(7)];
        if (random.Below(50) == 0) context.Response.Headers.Location = Tokens[random.Below(Tokens.Length)].Trim('\r', '\n', '\uFEFF', '\u0000');
        if (random.Below(20) == 0)
        {
            context.Response.Headers.ContentEncoding = new[] { "gzip", "br", "deflate", "zstd", "gzip, gzip", "," }[random.Below(6)];
            if (random.Below(2) == 0)
            {
                using var packed = new MemoryStream();
                using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(body);
                body = packed.ToArray();
                context.Response.Headers.ContentEncoding = "gzip";
            }
        }
        return context.Response.Body.WriteAsync(body).AsTask();
    }

    private static byte[] Damaged(byte[] sound, ref SplitMix64 random)
    {
        var bytes = sound.ToList();
        for (int left = 1 + random.Below(3); left > 0 && bytes.Count > 0; left--)
        {
            int at = random.Below(bytes.Count), length = Math.Min(bytes.Count - at, 1 + random.Below(20));
            switch (random.Below(9))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Below(8)); break;
                case 1: bytes[at] = (byte)random.Below(256); break;
                case 2: bytes.RemoveRange(at, length); break;
                case 3: bytes.InsertRange(at, bytes.GetRange(random.Below(bytes.Count - length + 1), length)); break;
                case 4: bytes.RemoveRange(at, bytes.Count - at); break;
                case 5: bytes.RemoveRange(0, at); break;
                case 6: bytes.InsertRange(at, Encoding.UTF8.GetBytes(Tokens[random.Below(Tokens.Length)])); break;
                case 7: Replace(bytes, ref random); break;
                default: bytes.InsertRange(at, Enumerable.Repeat(bytes[at], 1 << random.Below(13))); break;
            }
        }
        return [.. bytes];
    }

    /// <summary>One text, number or bracket becomes another value.</summary>
    private static void Replace(List<byte> bytes, ref SplitMix64 random)
    {
        var values = Value().Matches(Encoding.Latin1.GetString([.. bytes]));
        if (values.Count == 0) return;
        var value = values[random.Below(values.Count)];
        bytes.RemoveRange(value.Index, value.Length);
        string[] instead = ["null", "true", "7", "-1.5e300", "\"\"", "\"x\"", "[]", "{}", "\"\\ud83d\"", "NaN", "\"..\"", "\"http://[\"", "\"id\""];
        bytes.InsertRange(value.Index, Encoding.UTF8.GetBytes(instead[random.Below(instead.Length)]));
    }

    /// <summary>Every picture that can be found in an answer, however it is packed: by search, not by its structure.</summary>
    private static IEnumerable<RgbImage> Decodable(byte[] body)
    {
        if (Picture(body) is { } raw) yield return raw;
        string text = Blank().Replace(Unicode().Replace(Encoding.Latin1.GetString(body), m => $"{(char)Convert.ToInt32(m.Groups[1].Value, 16)}"), "");
        foreach (Match run in Base64().Matches(text.Replace("\\/", "/")))
        {
            string digits = run.Value.Replace('-', '+').Replace('_', '/');
            // What stands before the picture in the same run of letters may be a name or a data address.
            for (int start = 0; start < Math.Min(4, digits.Length); start++)
            {
                string part = digits[start..];
                part = part[..(part.Length - (part.Length % 4 == 1 ? 1 : 0))];
                if (Picture(Convert.FromBase64String(part.PadRight((part.Length + 3) / 4 * 4, '='))) is { } image) yield return image;
            }
        }
    }

    private static RgbImage? Picture(byte[] file)
    {
        try
        {
            return ImageCodecs.Decode(file).OverWhite();
        }
        catch (ImageDecodeException)
        {
            return null;
        }
    }

    [GeneratedRegex("""("[^"]*")|\d+|\[|\{""")]
    private static partial Regex Value();

    [GeneratedRegex(@"(\\[nrt]|\s)+")]
    private static partial Regex Blank();

    [GeneratedRegex(@"\\u00([0-9a-fA-F]{2})")]
    private static partial Regex Unicode();

    [GeneratedRegex("[A-Za-z0-9+/_-]{40,}")]
    private static partial Regex Base64();
}
