using System.Net;
using System.Text.Json.Nodes;
using CudaAttribution.Data.Codecs;
using CudaAttribution.Images;

namespace CudaAttribution.Cli.Tests;

/// <summary>A model behind HTTP, from both sides: what the server lets in, and a whole attribution over it.</summary>
public sealed class ServeTests
{
    private const string OpenAi = "/v1/images/generations";
    private const string WebUi = "/sdapi/v1/txt2img";

    private static readonly TestFolder Work = new();
    private ServerProcess _server = null!;

    [OneTimeSetUp]
    public void Serve() => _server = new ServerProcess("--sample-steps", "4", "--suspect-file", Work["http.json"]);

    [OneTimeTearDown]
    public void Remove()
    {
        _server.Dispose();
        Work.Dispose();
    }

    [TestCase("automatic1111")]
    [TestCase("openai-images")]
    public void Asked_over_http_the_distances_are_those_of_the_local_suspect_bit_for_bit(string preset)
    {
        var description = JsonNode.Parse(File.ReadAllText(Work["http.json"]))!;
        description["preset"] = preset;
        description["decoys_per_key"] = 1;
        if (preset == "openai-images")
            description["body_changes"] = new JsonObject { ["model"] = description["name"]!.DeepClone(), ["size"] = "{width}x{height}" };
        string file = Work.Write($"{preset}.json", description.ToJsonString());
        Cudattr.Succeed(Attribute(SmallCase.Suspect, Work[$"{preset}/local"]));
        var proxy = new Dictionary<string, string> { ["http_proxy"] = "http://127.0.0.1:1", ["ALL_PROXY"] = "http://127.0.0.1:1" };
        var run = Cudattr.Run(proxy, [.. Attribute(file, Work[$"{preset}/remote"]), "--decoys", "emoji:google@0+30#1"]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        var local = Result(Work[$"{preset}/local"]);
        var remote = Result(Work[$"{preset}/remote"]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(remote["keys"]!.ToJsonString(), Is.EqualTo(local["keys"]!.ToJsonString()));
            Assert.That(remote["paired_only_keys"]!.ToJsonString(), Is.EqualTo(local["paired_only_keys"]!.ToJsonString()));
            Assert.That(TestFolder.Contents(Work[$"{preset}/remote/images"]), Is.EqualTo(TestFolder.Contents(Work[$"{preset}/local/images"])));
            Assert.That((string?)remote["suspect_identity"], Does.StartWith("http:"));
            Assert.That((string?)remote["remote"]!["preset"], Is.EqualTo(preset));
            Assert.That((int)remote["remote"]!["calls"]!, Is.EqualTo(2 * (int)remote["remote"]!["decoys"]!));
            Assert.That(local.AsObject().ContainsKey("remote"), Is.False);
        }
        AssertSecret(Work[preset], run.Output + run.Error + _server.Said);
    }

    [Test]
    public void A_killed_run_goes_on_and_asks_nothing_twice()
    {
        var description = JsonNode.Parse(File.ReadAllText(Work["http.json"]))!;
        description["limits"] = new JsonObject { ["calls_per_minute"] = 15, ["pause_jitter"] = 0 };
        string slow = Work.Write("slow.json", description.ToJsonString()), journal = Work["killed/queries.jsonl"];
        int before = _server.Drawn;
        Cudattr.KillWhen(() => File.Exists(journal) && File.ReadLines(journal).Count() == 2, Attribute(slow, Work["killed"]));
        Assert.That(File.Exists(Work["killed/result.json"]), Is.False);
        Cudattr.Succeed(Attribute(Work["http.json"], Work["killed"]));
        Cudattr.Succeed(Attribute(Work["http.json"], Work["whole"]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(File.ReadLines(journal).Count(), Is.EqualTo(Keys));
            Assert.That(_server.Drawn - before, Is.EqualTo(2 * Keys), "each key once for each of the two runs");
            Assert.That(Result(Work["killed"])["keys"]!.ToJsonString(), Is.EqualTo(Result(Work["whole"])["keys"]!.ToJsonString()));
        }
        AssertSecret(Work["killed"], "");
    }

    [Test]
    public void A_service_that_shows_a_page_gets_no_p()
    {
        using var listener = new HttpListener();
        int port = FreePort();
        listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        listener.Start();
        _ = Task.Run(async () =>
        {
            while (true)
            {
                var context = await listener.GetContextAsync();
                await context.Response.OutputStream.WriteAsync("<!doctype html><title>Sign in</title>"u8.ToArray());
                context.Response.Close();
            }
        });
        var description = JsonNode.Parse(File.ReadAllText(Work["http.json"]))!;
        description["url"] = $"http://127.0.0.1:{port}";
        description["limits"] = new JsonObject { ["retries"] = 0 };
        string file = Work.Write("page.json", description.ToJsonString());
        var run = Cudattr.Run(new Dictionary<string, string>(), Attribute(file, Work["page"]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.ExitCode, Is.EqualTo(3), run.Error);
            Assert.That(run.Output, Does.Contain("no p: ").And.Contain("most often: an HTML page instead of a picture: \"Sign in\"").And.Not.Contain("published"));
            Assert.That((int)Result(Work["page"])["unusable"]!["unusable"]!, Is.EqualTo(Keys));
            Assert.That(Result(Work["page"])["indications"]!.AsArray().Select(i => i!["p_value"]), Is.All.Null);
        }
        var lenient = Cudattr.Run(new Dictionary<string, string>(), [.. Attribute(file, Work["page"]), "--max-unusable", "1"]);
        Assert.That(lenient.Error, Does.Contain("largest share of unusable answers is 1"));
    }

    [Test]
    public void A_wrong_token_stops_the_attribution_with_one_sentence()
    {
        var result = Cudattr.Run(
            new Dictionary<string, string> { [ServerProcess.TokenVariable] = "guessed-t0ken" }, Attribute(Work["http.json"], Work["denied"]));
        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error, Does.Contain("127.0.0.1 denies access (401: show the right bearer token). Check the secret"));
        AssertSecret(Work["denied"], result.Output + result.Error, "guessed-t0ken");
    }

    [Test]
    public void A_service_is_asked_for_the_sampling_of_the_keys()
    {
        string[] arguments = [.. Attribute(Work["http.json"], Work["other"]).Select(a => a == "4" ? "5" : a)];
        Assert.That(Cudattr.Fail(arguments), Does.Contain("sampled with 5 steps of DDIM and guidance 3, the keys with 4 steps"));
    }

    [Test]
    public void A_suspect_that_is_not_there_is_named() => Assert.That(
        Cudattr.Fail(Attribute(Work["absent.json"], Work["absent"])), Does.Contain("absent.json: there is no such suspect. Name a model, or"));

    [Test]
    public void Decoys_are_for_services_only() => Assert.That(
        Cudattr.Fail([.. Attribute(SmallCase.Suspect, Work["decoys"]), "--decoys", "emoji:google@0+30#1"]), Does.Contain("Leave the decoys out. (--decoys)"));

    [TestCase(OpenAi)]
    [TestCase(WebUi)]
    public void The_same_seed_gives_the_picture_that_sample_draws(string path)
    {
        string name = path == OpenAi ? "openai" : "webui";
        Cudattr.Succeed(
            "sample", "--model", SmallCase.Suspect, "--prompt", "red apple", "--sample-steps", "4", "--seed", "18446744073709551615",
            "--device", "cpu", "--out", Work[$"drawn-{name}"]);
        var (status, json) = _server.Send(path, """{"prompt": "red apple", "seed": 18446744073709551615}""");
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(Pictures(json).Single(), Is.EqualTo(PictureFiles.Read(Work[$"drawn-{name}/images/0000.png"])));
    }

    [Test]
    public void The_solver_can_be_chosen_where_the_protocol_names_it()
    {
        Cudattr.Succeed(
            "sample", "--model", SmallCase.Suspect, "--prompt", "red apple", "--sample-steps", "4", "--solver", "dpmsolver", "--seed", "3",
            "--device", "cpu", "--out", Work["drawn-solver"]);
        var (_, json) = _server.Send(WebUi, """{"prompt": "red apple", "seed": 3, "sampler_name": "DPM++ 2M"}""");
        Assert.That(Pictures(json).Single(), Is.EqualTo(PictureFiles.Read(Work["drawn-solver/images/0000.png"])));
        Assert.That(Pictures(_server.Send(WebUi, """{"prompt": "red apple", "seed": 3}""").Json).Single(), Is.Not.EqualTo(Pictures(json).Single()));
    }

    [Test]
    public void A_negative_prompt_is_honoured_as_sample_does()
    {
        string[] sample =
        [
            "sample", "--model", SmallCase.Suspect, "--prompt", "red apple", "--sample-steps", "4", "--seed", "3", "--device", "cpu",
            "--negative", "green",
        ];
        Cudattr.Succeed([.. sample, "--out", Work["drawn-negative"]]);
        var picture = PictureFiles.Read(Work["drawn-negative/images/0000.png"]);
        var (_, json) = _server.Send(WebUi, """{"prompt": "red apple", "seed": 3, "negative_prompt": "green"}""");
        Assert.That(Pictures(json).Single(), Is.EqualTo(picture));
        Assert.That((string?)JsonNode.Parse(json.GetProperty("info").GetString()!)!["negative_prompt"], Is.EqualTo("green"));
        Assert.That(Pictures(_server.Send(WebUi, """{"prompt": "red apple", "seed": 3}""").Json).Single(), Is.Not.EqualTo(picture));
        Assert.That(Cudattr.Fail([.. sample, "--guidance", "1", "--out", Work["never"]]), Does.Contain("--negative has no effect without guidance"));
        Assert.That(Directory.Exists(Work["never"]), Is.False);
    }

    [Test]
    public void Several_pictures_have_consecutive_seeds_and_no_seed_is_chance()
    {
        var two = Pictures(_server.Send(OpenAi, """{"prompt": "red apple", "seed": 4, "n": 2}""").Json);
        var second = Pictures(_server.Send(WebUi, """{"prompt": "red apple", "seed": 5, "steps": 4}""").Json);
        Assert.That(two, Has.Count.EqualTo(2));
        Assert.That(two[1], Is.EqualTo(second[0]));
        var info = JsonNode.Parse(_server.Send(WebUi, """{"prompt": "red apple", "seed": -1}""").Json.GetProperty("info").GetString()!)!;
        var chance = Pictures(_server.Send(WebUi, $$"""{"prompt": "red apple", "seed": {{info["seed"]}}}""").Json);
        Assert.That(chance[0], Is.Not.EqualTo(Pictures(_server.Send(WebUi, """{"prompt": "red apple"}""").Json)[0]));
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("t0k/en+of==the&suspec")]
    [TestCase("t0k/en+of==the&suspectt")]
    [TestCase("T0k/en+of==the&suspect")]
    public void Without_the_token_nobody_gets_anything(string? token)
    {
        foreach (string path in new[] { OpenAi, WebUi, "/anything" })
            Assert.That(_server.Send(path, """{"prompt": "x"}""", token).Status, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [TestCase(OpenAi, "nonsense", "the body is not JSON")]
    [TestCase(OpenAi, "[]", "not a JSON object")]
    [TestCase(OpenAi, "{}", "there is no prompt")]
    [TestCase(OpenAi, """{"prompt": 3}""", "'prompt' must be a text")]
    [TestCase(OpenAi, """{"prompt": "x", "prompt": "y"}""", "'prompt'")]
    [TestCase(OpenAi, """{"prompt": "x", "pro\u006dpt": "y"}""", "'prompt'")]
    [TestCase(OpenAi, """{"prompt": "\ud83d"}""", "half of a surrogate pair")]
    [TestCase(WebUi, """{"prompt": "x", "\ude00": "y"}""", "half of a surrogate pair")]
    [TestCase(WebUi, """{"prompt": "x", "cfg_scale": NaN}""", "the body is not JSON")]
    [TestCase(WebUi, """{"prompt": "x", "cudattr_noise": {"purpose": "\ud83d", "seed": 1, "index": 0}}""", "half of a surrogate pair")]
    [TestCase(WebUi, """{"prompt": "x", "steps": 99999999999999999999999}""", "from 1 to 1000")]
    [TestCase(OpenAi, """{"prompt": "x", "n": 17}""", "from 1 to 16")]
    [TestCase(OpenAi, """{"prompt": "x", "size": "64x64"}""", "the model makes no other size")]
    [TestCase(OpenAi, """{"prompt": "x", "response_format": "url"}""", "b64_json")]
    [TestCase(OpenAi, """{"prompt": "x", "model": "dall-e-3"}""", "the model served here")]
    [TestCase(OpenAi, """{"prompt": "x", "quality": "hd"}""", "'quality' is not known here")]
    [TestCase(OpenAi, """{"prompt": "x", "seed": 1.5}""", "'seed' must be a whole number")]
    [TestCase(OpenAi, """{"prompt": "x", "seed": -2}""", "'seed' must be a whole number")]
    [TestCase(OpenAi, """{"prompt": "x", "cudattr_noise": {"purpose": "fun", "seed": 1, "index": 0}}""", "must have a purpose")]
    [TestCase(OpenAi, """{"prompt": "x", "n": 2, "cudattr_noise": {"purpose": "testing", "seed": 1, "index": 0}}""", "for one picture")]
    [TestCase(WebUi, """{"prompt": "x", "negative_prompt": 3}""", "'negative_prompt' must be a text")]
    [TestCase(WebUi, """{"prompt": "x", "negative_prompt": "y", "cfg_scale": 1}""", "'y' has no effect with guidance 1")]
    [TestCase(OpenAi, """{"prompt": "x", "negative_prompt": "y"}""", "'negative_prompt' is not known here")]
    [TestCase(WebUi, """{"prompt": "x", "sampler_name": "Euler a"}""", "one of DDIM, Euler, DPM++ 2M")]
    [TestCase(WebUi, """{"prompt": "x", "width": 512}""", "of 16 x 16 only")]
    [TestCase(WebUi, """{"prompt": "x", "steps": 0}""", "from 1 to 1000")]
    [TestCase(WebUi, """{"prompt": "x", "steps": 1000}""", "steps")]
    [TestCase(WebUi, """{"prompt": "x", "cfg_scale": 1e9}""", "from 0 to 100")]
    public void A_bad_request_is_400_and_says_why(string path, string body, string why)
    {
        var (status, json) = _server.Send(path, body);
        Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((path == OpenAi ? json.GetProperty("error").GetProperty("message") : json.GetProperty("detail")).GetString(), Does.Contain(why));
    }

    [Test]
    public void Wrong_paths_methods_and_sizes_have_their_status()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(_server.Send("/v1/models", "{}").Status, Is.EqualTo(HttpStatusCode.NotFound));
            Assert.That(_server.Send(OpenAi, "{}", method: HttpMethod.Put).Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
            string large = new JsonObject { ["prompt"] = new string('x', 100_000) }.ToJsonString();
            Assert.That(_server.Send(WebUi, large).Status, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge));
            string prompt = new JsonObject { ["prompt"] = new string('x', 5000) }.ToJsonString();
            Assert.That(_server.Send(WebUi, prompt).Status, Is.EqualTo(HttpStatusCode.BadRequest));
        }
    }

    [Test]
    public void Requests_at_the_same_time_wait_for_each_other_and_agree()
    {
        string body = """{"prompt": "red apple", "seed": 3, "steps": 4}""";
        var first = Pictures(_server.Send(WebUi, body).Json)[0];
        var all = Enumerable.Range(0, 8).AsParallel().WithDegreeOfParallelism(8).Select(_ => Pictures(_server.Send(WebUi, body).Json)[0]).ToArray();
        Assert.That(all, Is.All.EqualTo(first));
    }

    [TestCase("TERM")]
    [TestCase("INT")]
    public void A_signal_stops_it_cleanly(string signal)
    {
        using var server = new ServerProcess();
        Assert.That(server.Address, Does.Match("^http://127\\.0\\.0\\.1:[1-9][0-9]+$"));
        Assert.That(server.Stop(signal), Is.Zero);
        Assert.That(server.Said, Does.Contain("cudattr serve: stopped").And.Not.Contain(ServerProcess.Token));
    }

    [Test]
    public void A_picture_under_way_is_given_up_when_it_stops()
    {
        using var server = new ServerProcess();
        var waiting = Task.Run(() => server.Send(WebUi, """{"prompt": "x", "steps": 900}"""));
        Thread.Sleep(1000);
        Assert.That(waiting.IsCompleted, Is.False, "900 steps take longer");
        Assert.That(server.Stop("TERM"), Is.Zero);
        Assert.That(waiting.Result.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
    }

    [TestCase("0.0.0.0", "--allow-remote")]
    [TestCase("192.0.2.1", "--allow-remote")]
    [TestCase("::", "--allow-remote")]
    [TestCase("localhost", "is no address")]
    public void Other_addresses_must_be_wanted(string address, string named) => Assert.That(
        Cudattr.Fail("serve", "--model", SmallCase.Suspect, "--token-env", ServerProcess.TokenVariable, "--bind", address), Does.Contain(named));

    [Test]
    public void What_does_not_work_is_said_before_it_listens()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                Cudattr.Fail("serve", "--model", SmallCase.Suspect, "--token-env", "CUDATTR_TEST_NONE"),
                Does.Contain("CUDATTR_TEST_NONE is not set"));
            Assert.That(
                Cudattr.Run(
                    new Dictionary<string, string> { ["CUDATTR_TEST_SHORT"] = "short" },
                    "serve", "--model", SmallCase.Suspect, "--token-env", "CUDATTR_TEST_SHORT", "--bind", "0.0.0.0", "--allow-remote").Error,
                Does.Contain("use at least 16"));
            Assert.That(
                Cudattr.Fail(
                    "serve", "--model", SmallCase.Suspect, "--token-env", ServerProcess.TokenVariable, "--device", "cpu",
                    "--port", new Uri(_server.Address).Port.ToString()),
                Does.Contain("cannot listen there"));
        }
    }

    private static int FreePort()
    {
        using var socket = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    private static int Keys => Result(Work["whole"])["keys"]!.AsArray().Count + Result(Work["whole"])["paired_only_keys"]!.AsArray().Count;

    private static string[] Attribute(string suspect, string folder) =>
        ["attribute", "--keys", SmallCase.Keys, "--suspect", suspect, "--null", SmallCase.Null, .. SmallCase.Sampling, "--out", folder];

    private static JsonNode Result(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "result.json")))!;

    internal static List<RgbImage> Pictures(System.Text.Json.JsonElement json) =>
    [
        .. (json.TryGetProperty("data", out var data)
            ? data.EnumerateArray().Select(d => d.GetProperty("b64_json").GetString()!)
            : json.GetProperty("images").EnumerateArray().Select(i => i.GetString()!))
            .Select(text => ImageCodecs.Decode(Convert.FromBase64String(text)).OverWhite()),
    ];

    private static void AssertSecret(string folder, string said, string secret = ServerProcess.Token)
    {
        Assert.That(said, Does.Not.Contain(secret));
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(secret);
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Append(Path.Combine(TestFolder.Shared, "runs.db"));
        foreach (string file in files.Where(File.Exists)) Assert.That(File.ReadAllBytes(file).AsSpan().IndexOf(bytes), Is.Negative, file);
    }
}
