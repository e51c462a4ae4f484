using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Runs;
using Microsoft.AspNetCore.Http;

namespace CudaAttribution.Remote.Tests;

/// <summary>What AUTOMATIC1111 says beside the picture, and how prompts are put to it.</summary>
public sealed class Automatic1111Tests : HttpModelFixture
{
    private string _hash = "6ce0161689";
    private JsonObject _changes = [];

    [SetUp]
    public void Speak()
    {
        (_hash, _changes) = ("6ce0161689", []);
        Http.Description["preset"] = "automatic1111";
        Http.Description.Remove("body_changes");
        Service.Default = Draw;
    }

    [Test]
    public void WhatTheServiceSaysOfItselfIsKept()
    {
        var said = Http.Ask(2)[0].Receipt!.Service!;
        Assert.That(said, Is.EqualTo(new ServiceInfo
        {
            SdModelHash = "6ce0161689", SdModelName = "painter", SamplerName = "DPM++ 2M", Width = 8, Height = 8, Steps = 4, CfgScale = 2.5,
            Seed = (ulong)Service.Received.Single(r => r.Prompt == "prompt 0").Json["seed"]!,
        }));
        string line = File.ReadLines(Http.Folder.Path("queries.jsonl")).First();
        Assert.That((string?)JsonNode.Parse(line)!["service"]!["sd_model_hash"], Is.EqualTo("6ce0161689"));
        Assert.That(line, Does.Not.Contain("ignored"));
        var model = Http.Model();
        model.Generate(HttpFixture.Queries(2));
        Assert.That(model.Remote!.Ignored, Is.Null);
    }

    [TestCase("\"no JSON\"")]
    [TestCase("\"[]\"")]
    [TestCase("7")]
    [TestCase("null")]
    [TestCase("""{"sd_model_hash": "x"}""")]
    [TestCase("""
        "{\"sd_model_hash\": 3, \"sd_model_name\": \"\", \"width\": 1e99, \"seed\": -1, \"cfg_scale\": NaN, \"sampler_name\": null}"
        """)]
    public void InfoThatSaysNothingIsNothing(string info)
    {
        Service.Default = (context, request) => FakeService.Json(context, Answer(request, JsonNode.Parse(info)));
        var answer = Http.Ask(1)[0];
        Assert.That(answer.Image, Is.Not.Null);
        Assert.That(answer.Receipt!.Service ?? new ServiceInfo(), Is.EqualTo(new ServiceInfo()));
    }

    [Test]
    public void InfoWithHalfASurrogatePairIsRead()
    {
        _changes["sd_model_name"] = "half";
        Service.Default = (context, request) =>
            FakeService.Json(context, Answer(request, JsonValue.Create(Info(request).ToJsonString().Replace("half", "x\\ud83d"))));
        Assert.That(Http.Ask(1)[0].Receipt!.Service!.SdModelName, Is.EqualTo("x\ufffd"));
    }

    [Test]
    public void WhatItSaysIsShortAndHoldsNoSecret()
    {
        (_changes["sd_model_name"], _changes["sampler_name"]) = ($"x {HttpFixture.Token}", new string('y', 100_000));
        var said = Http.Ask(1)[0].Receipt!.Service!;
        Assert.That(said.SdModelName, Is.EqualTo($"x [{HttpFixture.TokenVariable}]"));
        Assert.That(said.SamplerName, Has.Length.LessThan(300));
        Assert.That(Http.Written, Does.Not.Contain("s3cr"));
    }

    [Test]
    public void AnotherModelStopsTheRunNowAndWheneverItIsContinued()
    {
        Service.Next(c => Draw(c, Service.Received[^1]), c => Draw(c, Service.Received[^1]), c =>
        {
            _hash = "0123456789";
            return Draw(c, Service.Received[^1]);
        });
        string said = Assert.Throws<ServiceChangedException>(() => Http.Ask(6))!.Message;
        Assert.That(said, Does.Contain("changed its model: query 0 was drawn by 6ce0161689, query 2 by 0123456789"));
        Assert.That(Service.Received, Has.Count.EqualTo(3));
        Assert.That(Assert.Throws<ServiceChangedException>(() => Http.Ask(6))!.Message, Is.EqualTo(said));
        Assert.That(Service.Received, Has.Count.EqualTo(3));
    }

    [Test]
    public void AnotherModelAfterAPauseStopsTheContinuedRun()
    {
        Http.Limits["cost_per_call"] = 1;
        Http.Limits["budget"] = 2;
        Assert.That(Http.Fails(4), Does.Contain("the budget is spent"));
        (_hash, Http.Limits["budget"]) = ("0123456789", 9);
        Assert.That(() => Http.Ask(4), Throws.TypeOf<ServiceChangedException>());
    }

    [Test]
    public void WhatWasAskedForAndNotDoneIsSaid()
    {
        (_changes["sampler_name"], _changes["steps"], _changes["width"]) = ("Euler a", 20, 512);
        var model = Http.Model();
        model.Generate(HttpFixture.Queries(2));
        const string said = "sampler_name DPM++ 2M (it took Euler a); steps 4 (it took 20); width 8 (it took 512)";
        Assert.That(string.Join("; ", Http.Journal[0].Ignored!), Is.EqualTo(said));
        Assert.That(model.Remote!.Ignored, Is.EqualTo(said));
    }

    [Test]
    public void PromptsAreEscaped()
    {
        Http.Sampling = Http.Sampling with { NegativePrompt = "blurred (very)" };
        Http.Model().Generate([Query(@"a cat [sitting] on C:\ (red)")]);
        var request = Service.Received.Single();
        Assert.That(request.Prompt, Is.EqualTo(@"a cat \[sitting\] on C:\\ \(red\)"));
        Assert.That((string?)request.Json["negative_prompt"], Is.EqualTo(@"blurred \(very\)"));
        Assert.That(Http.Journal.Single().Prompt, Is.EqualTo(@"a cat [sitting] on C:\ (red)"));
        using var own = new HttpFixture(Service, "own");
        (own.Description["preset"], own.Description["exact_noise"]) = ("automatic1111", true);
        own.Description.Remove("body_changes");
        own.Model().Generate([Query("a cat (red) AND a dog")]);
        Assert.That(Service.Received[^1].Prompt, Is.EqualTo("a cat (red) AND a dog"), "'cudattr serve' takes prompts as they are");
    }

    [Test]
    public void PromptsThatMeanSomethingElseAreRefusedBeforeAnythingIsAsked()
    {
        string said = Assert.Throws<UserException>(() => Http.Model().Generate([Query("a cat"), Query("a cat AND a dog")]))!.Message;
        Assert.That(said, Does.Contain("\"a cat AND a dog\"").And.Contain("'AND' joins prompts").And.Contain("Choose prompts without it"));
        Http.Sampling = Http.Sampling with { NegativePrompt = "a|b" };
        Assert.That(() => Http.Model(), Throws.TypeOf<UserException>().With.Property("Setting").EqualTo("negative"));
        Assert.That(Service.Received, Is.Empty);
        Assert.That(Http.Folder.Has("query-plan.json"), Is.False);
    }

    [Test]
    public void SuchCaptionsAreNoDecoys()
    {
        Http.Description["decoys_per_key"] = 2;
        Http.Ask(1, ["a|b", "fine", "x BREAK y", "fine too"]);
        Assert.That(Service.Prompts, Is.EquivalentTo(new[] { "prompt 0", "fine", "fine too" }));
        using var few = new HttpFixture(Service, "few");
        (few.Description["preset"], few.Description["decoys_per_key"]) = ("automatic1111", 2);
        Assert.That(() => few.Ask(1, ["a|b", "fine"]), Throws.TypeOf<UserException>().With.Message.Contains("the set has 1 captions that can be asked"));
    }

    private static Query Query(string prompt) => new NoiseStream(NoisePurpose.Testing, 5, "x").Ask(prompt, 0);

    private JsonObject Info(Received request)
    {
        var info = new JsonObject { ["sd_model_hash"] = _hash, ["sd_model_name"] = "painter" };
        foreach (string name in new[] { "seed", "steps", "cfg_scale", "sampler_name", "width", "height" }) info[name] = request.Json[name]!.DeepClone();
        foreach (var (name, value) in _changes) info[name] = value!.DeepClone();
        return info;
    }

    private Task Draw(HttpContext context, Received request) =>
        FakeService.Json(context, Answer(request, JsonValue.Create(Info(request).ToJsonString())));

    private static string Answer(Received request, JsonNode? info) => new JsonObject
    {
        ["images"] = new JsonArray(FakeService.Base64Of(FakeService.Plain(request.Prompt))),
        ["info"] = info,
    }.ToJsonString();
}
