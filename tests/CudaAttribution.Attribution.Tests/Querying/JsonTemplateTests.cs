using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Querying;
using CudaAttribution.Querying.Http;

namespace CudaAttribution.Attribution.Tests.Querying;

public sealed class JsonTemplateTests
{
    private static readonly SamplingRecipe Sampling = new() { Steps = 20, Guidance = 7.5, NegativePrompt = "dog" };

    [TestCase("\"{prompt}\"", "\"cat\"")]
    [TestCase("\"{seed}\"", "4294967295")]
    [TestCase("\"{width}x{height}\"", "\"64x32\"")]
    [TestCase("\"{guidance}\"", "7.5")]
    [TestCase("\"{sampler}\"", "\"Euler\"")]
    [TestCase("\"{negative_prompt}\"", "\"dog\"")]
    [TestCase("\"cfg {guidance}\"", "\"cfg 7.5\"")]
    [TestCase("[\"{steps}\", 1, null, true, {\"deep\": \"{width}\"}]", "[20,1,null,true,{\"deep\":64}]")]
    [TestCase("\"a {b | c} {\"", "\"a {b | c} {\"")]
    public void PlaceholdersBecomeValuesOfTheirType(string value, string expected) =>
        Assert.That(Fill($"{{\"x\": {value}}}", "cat"), Is.EqualTo($"{{\"x\":{expected}}}"));

    [TestCase("say \"hi\"\\ \n\t\u0001 </script> ä€😀")]
    [TestCase("{seed} {\"a\": \"{prompt}\"}")]
    [TestCase("\", \"n\": 1000, \"x\": \"")]
    public void APromptArrivesAsItIs(string prompt)
    {
        using var filled = JsonDocument.Parse(Fill("""{"whole": "{prompt}", "part": "draw: {prompt}!", "n": 1}""", prompt));
        Assert.That(filled.RootElement.GetProperty("whole").GetString(), Is.EqualTo(prompt));
        Assert.That(filled.RootElement.GetProperty("part").GetString(), Is.EqualTo($"draw: {prompt}!"));
        Assert.That(filled.RootElement.EnumerateObject().Count(), Is.EqualTo(3));
    }

    [TestCase("data[0].b64_json", "\"here\"")]
    [TestCase("data[1]", null)]
    [TestCase("data.b64_json", null)]
    [TestCase("data[0].b64_json.more", null)]
    [TestCase("none", null)]
    public void APathLeadsToItsPlace(string path, string? expected)
    {
        using var json = JsonDocument.Parse("""{"data": [{"b64_json": "here"}]}""");
        Assert.That(JsonPath.TryParse(path)!.Find(json.RootElement)?.GetRawText(), Is.EqualTo(expected));
    }

    [TestCase("")]
    [TestCase("data[")]
    [TestCase("data[-1]")]
    [TestCase("data..x")]
    [TestCase("$.x")]
    [TestCase(".x")]
    public void WhatIsNoPathIsRefused(string path) => Assert.That(JsonPath.TryParse(path), Is.Null);

    // The examples of RFC 7396, appendix A, that concern objects.
    [TestCase("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [TestCase("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [TestCase("""{"a":"b"}""", """{"a":null}""", "{}")]
    [TestCase("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [TestCase("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [TestCase("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [TestCase("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [TestCase("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [TestCase("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public void PatchesAreMergedAsTheStandardSays(string target, string patch, string expected) =>
        Assert.That(JsonMergePatch.Apply(Parse(target), Parse(patch)).ToJsonString(), Is.EqualTo(expected));

    private static string Fill(string template, string prompt) =>
        new JsonTemplate(Parse(template)).Fill(new TemplateValues(prompt, uint.MaxValue, 64, 32, Sampling, "Euler"), _ => "").ToJsonString();

    private static JsonObject Parse(string text) => (JsonObject)JsonNode.Parse(text)!;
}
