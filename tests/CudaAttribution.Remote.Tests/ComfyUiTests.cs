using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Runs;
using Microsoft.AspNetCore.Http;

namespace CudaAttribution.Remote.Tests;

/// <summary>ComfyUI's three steps, and that a workflow which is queued already is not queued again.</summary>
public sealed class ComfyUiTests
{
    private readonly Dictionary<string, int> _queued = [];
    private FakeService Service = null!;
    private HttpFixture Http = null!;
    private int _pollsUntilDone;
    private bool _ownIds;
    private string _state = "success";
    private string _outputs = Saved;

    private const string Preview = """{"6": {"images": [{"filename": "preview.png", "subfolder": "a/b", "type": "temp"}]}}""";

    private const string Saved =
        """
        {"6": {"images": [{"filename": "preview.png", "subfolder": "", "type": "temp"}]},
         "7": {"images": [{"filename": "picture & 1.png", "subfolder": "", "type": "output"}]}}
        """;

    [SetUp]
    public void Start()
    {
        (_pollsUntilDone, _ownIds, _state, _outputs) = (2, false, "success", Saved);
        _queued.Clear();
        Service = new FakeService { Default = Comfy };
        Http = new HttpFixture(Service);
        Http.Description["preset"] = "comfyui";
        Http.Description["body_changes"] = JsonNode.Parse("""{"1": {"inputs": {"ckpt_name": "sd15.safetensors"}}}""");
    }

    [TearDown]
    public void Stop()
    {
        Http.Dispose();
        Service.Dispose();
    }

    [TestCase(false)]
    [TestCase(true)]
    public void AWorkflowIsQueuedPolledAndFetched(bool ownIds)
    {
        _ownIds = ownIds;
        Assert.That(Http.Ask(2).Select(a => a.Image), Is.All.EqualTo(FakeService.Plain("comfy")));
        Assert.That(Service.Received.Take(5).Select(r => $"{r.Method} {r.Path.Split('/')[1]}"), Is.EqualTo(
            new[] { "POST prompt", "GET history", "GET history", "GET history", "GET view" }));
        var workflow = Service.Received[0].Json["prompt"]!;
        Assert.That((string?)workflow["1"]!["inputs"]!["ckpt_name"], Is.EqualTo("sd15.safetensors"));
        Assert.That((string?)workflow["5"]!["inputs"]!["sampler_name"], Is.EqualTo("dpmpp_2m"));
        Assert.That((string?)workflow["2"]!["inputs"]!["text"], Does.StartWith("prompt "));
        Assert.That((string?)workflow["3"]!["inputs"]!["text"], Is.EqualTo(""));
        Assert.That(workflow["5"]!["inputs"]!["seed"]!.GetValueKind(), Is.EqualTo(System.Text.Json.JsonValueKind.Number));
        Assert.That(Service.Received[4].Query, Is.EqualTo("?filename=picture%20%26%201.png&subfolder=&type=output"));
        Assert.That(Service.Received.Select(r => r.Headers["Authorization"]), Is.All.EqualTo("Bearer " + HttpFixture.Token));
    }

    [Test]
    public void ARunThatWasCutOffFindsItsWorkflowAgain()
    {
        _pollsUntilDone = 4;
        Service.Next(c => Comfy(c, Service.Received[^1]), c => Comfy(c, Service.Received[^1]), c =>
        {
            Http.Kill.Cancel();
            return FakeService.Silence(c);
        });
        Assert.That(() => Http.Ask(1), Throws.InstanceOf<OperationCanceledException>());
        Http.Kill = new CancellationTokenSource();
        Assert.That(Http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(Service.Received.Count(r => r.Method == "POST"), Is.EqualTo(1));
    }

    [Test]
    public void TroubleWhilePollingDoesNotQueueTwice()
    {
        _ownIds = true;
        Service.Next(c => Comfy(c, Service.Received[^1]), FakeService.Status(502));
        Assert.That(Http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(Service.Received.Count(r => r.Method == "POST"), Is.EqualTo(1));
    }

    [Test]
    public void AWorkflowThatTheServerForgotIsQueuedAgain()
    {
        Service.Next(c => Comfy(c, Service.Received[^1]), c =>
        {
            _queued.Clear();
            return FakeService.Status(500)(c);
        });
        Assert.That(Http.Ask(1)[0].Image, Is.Not.Null);
        Assert.That(Service.Received.Count(r => r.Method == "POST"), Is.EqualTo(2));
    }

    [Test]
    public void AWorkflowThatFailsIsRepeatedAndThenRecorded()
    {
        _state = "error";
        Assert.That(Http.Ask(1)[0].Failure, Does.Contain("the workflow failed").And.Contain("out of memory"));
        Assert.That(Service.Received.Count(r => r.Method == "POST"), Is.EqualTo(3));
    }

    [Test]
    public void APreviewIsTakenWhereNothingIsSaved()
    {
        _outputs = Preview;
        Assert.That(Http.Ask(1)[0].Image, Is.EqualTo(FakeService.Plain("comfy")));
        Assert.That(Service.Received[^1].Query, Is.EqualTo("?filename=preview.png&subfolder=a%2Fb&type=temp"));
    }

    [TestCase("{}")]
    [TestCase("""{"7": {"images": []}}""")]
    [TestCase("""{"7": {"images": [{"subfolder": "", "type": "output"}, 3, null]}, "8": 5}""")]
    [TestCase("""{"7": {"text": ["done"]}}""")]
    [TestCase("[]")]
    public void AWorkflowWithoutAPictureIsAFailure(string outputs)
    {
        _outputs = outputs;
        Assert.That(Http.Ask(1)[0].Failure, Does.Contain("the workflow gave no picture"));
    }

    [TestCase("7")]
    [TestCase("\"done\"")]
    [TestCase("""{"status": [], "outputs": 3}""")]
    [TestCase("""{"status": {"status_str": {"\ud83d": 1}}}""")]
    public void AHistoryOfAnotherShapeIsAFailure(string entry)
    {
        Service.Default = (context, request) => request.Path.StartsWith("/history", StringComparison.Ordinal)
            ? FakeService.Json(context, $$"""{"{{request.Path.Split('/')[2]}}": {{entry}}}""")
            : Comfy(context, request);
        Assert.That(Http.Ask(1)[0].Failure, Does.Contain("the workflow gave no picture"));
    }

    [Test]
    public void ParenthesesAreEscapedAndChoicesRefused()
    {
        Http.Model().Generate([new NoiseStream(NoisePurpose.Testing, 5, "x").Ask(@"a cat (red) [x] \ y", 0)]);
        Assert.That((string?)Service.Received[0].Json["prompt"]!["2"]!["inputs"]!["text"], Is.EqualTo(@"a cat \(red\) [x] \ y"));
        Assert.That(
            () => Http.Model().Generate([new NoiseStream(NoisePurpose.Testing, 5, "x").Ask("{a|b}", 0)]),
            Throws.TypeOf<UserException>().With.Message.Contains("chooses by chance"));
    }

    [Test]
    public void AWorkflowThatIsRefusedStops()
    {
        Service.Next(FakeService.Status(400, """{"error": {"type": "prompt_outputs_failed_validation", "message": "value not in list"}}"""));
        Assert.That(Http.Fails(1), Does.Contain("does not take the request (400: value not in list)"));
    }

    [Test]
    public void TheCheckpointMustBeNamed()
    {
        Http.Description.Remove("body_changes");
        Assert.That(() => Http.Service(), Throws.TypeOf<UserException>().With.Message.Contains("ckpt_name"));
    }

    private Task Comfy(HttpContext context, Received request)
    {
        string[] path = request.Path.Trim('/').Split('/');
        switch (path[0])
        {
            case "prompt":
                string id = _ownIds ? $"own-{_queued.Count}" : (string)request.Json["prompt_id"]!;
                _queued[id] = 0;
                return FakeService.Json(context, new JsonObject { ["prompt_id"] = id, ["number"] = 1 }.ToJsonString());
            case "queue":
                var unfinished = _queued.Where(q => q.Value < _pollsUntilDone).Select(q => new JsonArray(1, q.Key, new JsonObject()));
                var running = new JsonArray([.. unfinished]);
                return FakeService.Json(context, new JsonObject { ["queue_running"] = running, ["queue_pending"] = new JsonArray() }.ToJsonString());
            case "history":
                bool done = _queued.ContainsKey(path[1]) && _queued[path[1]]++ >= _pollsUntilDone;
                return FakeService.Json(context, done ? History(path[1]) : "{}");
            default:
                return context.Response.Body.WriteAsync(ImageCodecs.EncodePng(FakeService.Plain("comfy"))).AsTask();
        }
    }

    private string History(string id) => new JsonObject
    {
        [id] = new JsonObject
        {
            ["outputs"] = JsonNode.Parse(_outputs),
            ["status"] = new JsonObject { ["status_str"] = _state, ["messages"] = new JsonArray("out of memory") },
        },
    }.ToJsonString();
}
