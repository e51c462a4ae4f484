using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Runs;
using CudaAttribution.Tests;

namespace CudaAttribution.Remote.Tests;

/// <summary>Descriptions: what is refused, and what makes two of them the same suspect.</summary>
public sealed class HttpDescriptionTests
{
    private const string Minimal =
        """{"schema": "cudattr-http-suspect-1", "preset": "openai-images", "url": "https://api.example.com", "body_changes": {"model": "m", "size": "auto"}}""";

    private static readonly string File = "suspect.json";

    [OneTimeSetUp]
    public void SetTokens()
    {
        Environment.SetEnvironmentVariable("CUDATTR_TEST_A", "alpha-secret");
        Environment.SetEnvironmentVariable("CUDATTR_TEST_B", "beta-secret");
        Environment.SetEnvironmentVariable("CUDATTR_TEST_BROKEN", "line\nbreak");
    }

    [TestCase("""{"colour": "red"}""", "colour")]
    [TestCase("""{"limits": {"retires": 3}}""", "retires")]
    [TestCase("""{"headers": {"Authorization": {"env": "CUDATTR_TEST_A", "perfix": "x"}}}""", "perfix")]
    [TestCase("""{"headers": {"Authorization": {"prefix": "x"}}}""", "env")]
    [TestCase("""{"schema": "cudattr-http-suspect-2"}""", "schema")]
    [TestCase("""{"preset": "midjourney"}""", "preset")]
    [TestCase("""{"preset": null}""", "preset")]
    public void UnknownAndMissingMembersAreRefused(string change, string named) => Refused(change, named);

    [TestCase("""{"headers": {"Authorization": "Bearer abc"}}""", "'Authorization' looks like a secret")]
    [TestCase("""{"headers": {"X-Api-Key": "abc"}}""", "'X-Api-Key' looks like a secret")]
    [TestCase("""{"headers": {"x-goog-api-key": "abc"}}""", "looks like a secret")]
    [TestCase("""{"headers": {"Ocp-Apim-Subscription-Key": "abc"}}""", "looks like a secret")]
    [TestCase("""{"headers": {"Cookie": "session=1"}}""", "looks like a secret")]
    [TestCase("""{"headers": {"X-Custom": "Bearer abc"}}""", "looks like a secret")]
    [TestCase("""{"headers": {"X-Custom": "sk-abc"}}""", "looks like a secret")]
    [TestCase("""{"query": {"key": "abc"}}""", "'key' looks like a secret")]
    [TestCase("""{"url": "https://api.example.com/x?api_key=abc"}""", "parameter 'api_key'")]
    [TestCase("""{"url": "https://user:word@api.example.com/"}""", "user name or password")]
    [TestCase("""{"body_changes": {"key": "abc"}}""", "'key' in the body looks like a secret")]
    [TestCase("""{"body_changes": {"auth": {"access_token": "abc"}}}""", "'access_token' in the body")]
    public void LiteralSecretsAreRefused(string change, string named) => Assert.That(Refused(change, named), Does.Not.Contain("abc"));

    [TestCase("""{"url": "ftp://api.example.com/"}""", "neither http nor https")]
    [TestCase("""{"url": "api.example.com"}""", "neither http nor https")]
    [TestCase("""{"method": "GET"}""", "POST or PUT")]
    [TestCase("""{"headers": {"Host": "x"}}""", "set by this program")]
    [TestCase("""{"headers": {"a b": "x"}}""", "header name")]
    [TestCase("""{"headers": {"X-A": "x\r\ny"}}""", "cannot be sent")]
    [TestCase("""{"headers": {"Authorization": {"env": "no name"}}}""", "names no environment variable")]
    [TestCase("""{"headers": {"Authorization": {"env": "CUDATTR_TEST_ABSENT"}}}""", "CUDATTR_TEST_ABSENT is not set")]
    [TestCase("""{"headers": {"Authorization": {"env": "CUDATTR_TEST_BROKEN"}}}""", "line break")]
    [TestCase("""{"url": "http://example.com", "headers": {"Authorization": {"env": "CUDATTR_TEST_A"}}}""", "over http")]
    [TestCase("""{"body": {"text": "a picture"}}""", "no {prompt}")]
    [TestCase("""{"body": {"text": "{prompt}", "side": "{size}"}}""", "unknown placeholder {size}")]
    [TestCase("""{"response": {"base64": "a", "url": "b"}}""", "exactly one")]
    [TestCase("""{"response": {}}""", "exactly one")]
    [TestCase("""{"response": {"base64": "$.data[*]"}}""", "no JSON path")]
    [TestCase("""{"preset": "custom"}""", "needs a body")]
    [TestCase("""{"preset": "custom", "body": {"p": "{prompt}"}}""", "where the answer has its picture")]
    [TestCase("""{"preset": "comfyui", "body": {"p": "{prompt}"}, "exact_noise": true}""", "exact noise")]
    [TestCase("""{"headers": {"X-A": null}}""", "hold a null")]
    [TestCase("""{"refusal": {"contains": [null]}}""", "hold a null")]
    [TestCase("""{"limits": null}""", "limits")]
    [TestCase("""{"width": 512}""", "both or none")]
    [TestCase("""{"width": 0, "height": 5}""", "1 to 16384")]
    [TestCase("""{"decoys_per_key": -1}""", "decoys_per_key")]
    [TestCase("""{"limits": {"retries": -1}}""", "limits.retries is -1")]
    [TestCase("""{"limits": {"timeout_seconds": 0}}""", "limits.timeout_seconds")]
    [TestCase("""{"limits": {"budget": 5}}""", "needs limits.cost_per_call")]
    [TestCase("""{"refusal": {"statuses": [401]}}""", "neither 401")]
    public void SenselessDescriptionsAreRefused(string change, string named) => Refused(change, named);

    [TestCase("openai-images", """{"size": "auto"}""", null, "names no model", "\"body_changes\": {\"model\": NAME}")]
    [TestCase("openai-images-2023", """{"size": "auto"}""", null, "names no model", "\"body_changes\": {\"model\": NAME}")]
    [TestCase("openai-images", """{"model": "gpt-image-1"}""", null, "does not say which size", "1024x1024, 1536x1024, 1024x1536")]
    [TestCase("openai-images", """{"model": "gpt-image-1"}""", "512x512", "gpt-image-1 does not take the size 512x512", "1536x1024")]
    [TestCase("openai-images", """{"model": "gpt-image-1"}""", "1024x1536", null, null)]
    [TestCase("openai-images", """{"model": "gpt-image-1", "size": "{width}x{height}"}""", "512x512", null, null)]
    [TestCase("openai-images", """{"model": "gpt-image-2"}""", "1536x864", null, null)]
    [TestCase("openai-images", """{"model": "gpt-image-2"}""", "1000x1000", "does not take the size", "multiples of 16")]
    [TestCase("openai-images", """{"model": "gpt-image-2"}""", "512x512", "does not take the size", "655,360")]
    [TestCase("openai-images", """{"model": "gpt-image-2"}""", "3200x1056", "does not take the size", "3 to 1")]
    [TestCase("openai-images", """{"model": "dall-e-3"}""", "1024x1024", "not for dall-e-3", "\"openai-images-2023\"")]
    [TestCase("openai-images-2023", """{"model": "gpt-image-1"}""", "1024x1024", "takes no response_format", "\"openai-images\"")]
    [TestCase("openai-images-2023", """{"model": "dall-e-3"}""", "1792x1024", null, null)]
    [TestCase("openai-images-2023", """{"model": "dall-e-3"}""", "512x512", "dall-e-3 does not take the size 512x512", "1024x1792")]
    [TestCase("openai-images-2023", """{"model": "dall-e-2"}""", "512x512", null, null)]
    [TestCase("openai-images-2023", """{"model": "mine"}""", "256x256", null, null)]
    [TestCase("openai-images-2023", """{"model": "mine"}""", "64x64", "does not take the size", "256x256")]
    public void OpenAisModelsAreNamedAndAskedForTheirSizes(string preset, string changes, string? size, string? problem, string? remedy)
    {
        var change = new JsonObject { ["preset"] = preset, ["body_changes"] = JsonNode.Parse(changes) };
        if (size?.Split('x') is [var width, var height]) (change["width"], change["height"]) = (int.Parse(width), int.Parse(height));
        if (problem is null) Create(change.ToJsonString());
        else Assert.That(Refused(change.ToJsonString(), problem), Does.Contain(remedy));
    }

    [Test]
    public void EachGenerationIsAskedAsItWantsToBe()
    {
        string Body(string preset, string model) => Create(
            $$$"""{"preset": "{{{preset}}}", "width": 1024, "height": 1024, "body_changes": {"model": "{{{model}}}"}}""").Body.Document.ToJsonString();
        Assert.That(Body("openai-images", "gpt-image-1"), Is.EqualTo("""{"prompt":"{prompt}","n":1,"size":"{width}x{height}","model":"gpt-image-1"}"""));
        Assert.That(Body("openai-images-2023", "dall-e-2"), Is.EqualTo(
            """{"prompt":"{prompt}","n":1,"size":"{width}x{height}","response_format":"b64_json","model":"dall-e-2"}"""));
    }

    [Test]
    public void APresetNeedsLittle()
    {
        var service = Create("{}");
        Assert.That(service.Endpoint.AbsoluteUri, Is.EqualTo("https://api.example.com/v1/images/generations"));
        Assert.That(service.Name, Is.EqualTo("api.example.com"));
        Assert.That(Create("""{"url": "https://h/azure/images?version=3"}""").Endpoint.PathAndQuery, Is.EqualTo("/azure/images?version=3"));
    }

    [Test]
    public void ChangesAreMergedAndNullRemoves()
    {
        var body = Create("""{"preset": "openai-images-2023", "body_changes": {"model": "m", "response_format": null, "size": "auto"}}""").Body.Document;
        Assert.That(body.ToJsonString(), Is.EqualTo("""{"prompt":"{prompt}","n":1,"size":"auto","model":"m"}"""));
    }

    [Test]
    public void SecretsComeFromTheEnvironmentOnly()
    {
        const string text =
            """
            {"headers": {"Authorization": {"env": "CUDATTR_TEST_A", "prefix": "Bearer "}, "Accept": "image/png"},
             "query": {"key": {"env": "CUDATTR_TEST_B"}, "v": "1 2"}, "body_changes": {"model": "m", "size": "auto", "key": {"env": "CUDATTR_TEST_A"}}}
            """;
        var service = Create(text);
        var values = new TemplateValues("p", 1, 8, 8, new SamplingRecipe(), "DDIM");
        var noise = new NoiseId(NoisePurpose.Testing, "x", 1, 0);
        Assert.That(service.Headers, Is.EqualTo(new[] { ("Authorization", "Bearer alpha-secret"), ("Accept", "image/png") }));
        Assert.That(service.AddressOf().Query, Is.EqualTo("?key=beta-secret&v=1%202"));
        Assert.That((string?)service.Fill(values, noise)["key"], Is.EqualTo("alpha-secret"));
        string hash = service.RequestHash(values, noise);
        Environment.SetEnvironmentVariable("CUDATTR_TEST_A", "renewed");
        try
        {
            var renewed = Create(text);
            Assert.That((string?)renewed.Fill(values, noise)["key"], Is.EqualTo("renewed"));
            Assert.That(renewed.RequestHash(values, noise), Is.EqualTo(hash));
            Assert.That(renewed.Identity, Is.EqualTo(service.Identity));
            Assert.That(Create("""{"query": {"key": {"env": "CUDATTR_TEST_A"}}}""").Identity, Is.EqualTo(
                Create("""{"query": {"key": {"env": "CUDATTR_TEST_B"}}}""").Identity));
        }
        finally
        {
            Environment.SetEnvironmentVariable("CUDATTR_TEST_A", "alpha-secret");
        }
    }

    [TestCase("""{"limits": {"retries": 9, "cost_per_call": 1, "budget": 3}}""", true)]
    [TestCase("""{"name": "other", "decoys_per_key": 4}""", true)]
    [TestCase("""{"body_changes": {"model": "n", "size": "auto"}}""", false)]
    [TestCase("""{"url": "https://api.example.com:444"}""", false)]
    [TestCase("""{"headers": {"X-Version": "2"}}""", false)]
    [TestCase("""{"headers": {"Authorization": {"env": "CUDATTR_TEST_A"}}}""", false)]
    [TestCase("""{"width": 512, "height": 512}""", false)]
    [TestCase("""{"exact_noise": true}""", false)]
    public void IdentityIsWhatIsAskedOfWhom(string change, bool same)
    {
        string plain = Create("{}").Identity;
        Assert.That(plain, Does.Match("^http:[0-9a-f]{64}$"));
        Assert.That(Create(change).Identity == plain, Is.EqualTo(same));
    }

    private static string Refused(string change, string named)
    {
        string message = Assert.Throws<UserException>(() => Create(change))!.Message;
        Assert.That(message, Does.Contain(named).And.Contain(File));
        return message;
    }

    private static HttpService Create(string change)
    {
        var text = JsonMergePatch.Apply((JsonObject)JsonNode.Parse(Minimal)!, []);
        foreach (var (name, value) in (JsonObject)JsonNode.Parse(change)!) text[name] = value?.DeepClone();
        string path = Path.Combine(TestFolder.New("description"), File);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, text.ToJsonString());
        return HttpService.Load(path);
    }
}
