using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Answers;
using CudaAttribution.Runs;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Remote;

/// <summary>A description that was found sound: its preset's parts filled in, its secrets read.</summary>
public sealed class HttpService
{
    private HttpService(
        HttpDescription description, Uri endpoint, JsonTemplate body, PictureLocation? response, string? idempotencyHeader, Secrets secrets)
    {
        (Description, Endpoint, Body, Response, IdempotencyHeader, Secrets) = (description, endpoint, body, response, idempotencyHeader, secrets);
        Identity = "http:" + CanonicalJson.Hash(WithoutSecrets());
    }

    public HttpDescription Description { get; }

    /// <summary>What it is called in tables.</summary>
    public string Name => Description.Name ?? Endpoint.Host;

    /// <summary>
    /// <c>http:</c> and the SHA-256 of what is asked of whom: method, address, headers, body, place of the picture. Neither secrets nor the names of
    /// their variables nor limits are part of it.
    /// </summary>
    public string Identity { get; }

    /// <summary>Address without parameters that come from the environment.</summary>
    internal Uri Endpoint { get; }

    internal JsonTemplate Body { get; }

    /// <summary>Where the picture is; null for ComfyUI, which answers in several steps.</summary>
    internal PictureLocation? Response { get; }

    internal string? IdempotencyHeader { get; }

    /// <summary>How prompts are written for it. <c>cudattr serve</c>, which exact noise is for, takes them as they are.</summary>
    public PromptSyntax Syntax => Description.ExactNoise ? PromptSyntax.Plain : PromptSyntax.Of(Description.Preset);

    internal Secrets Secrets { get; }

    internal HttpMethod Method => new(Description.Method);

    /// <summary>Reads a description and the environment variables that it names.</summary>
    /// <exception cref="UserException">The file is no description, or does not make sense, or a variable is missing.</exception>
    public static HttpService Load(string file)
    {
        var description = Json.Read<HttpDescription>(file, "description of an HTTP suspect");
        Json.CheckSchema(description.Schema, HttpDescription.CurrentSchema, file);
        return Create(description, file);
    }

    /// <summary>Completes a description.</summary>
    /// <param name="d">The description.</param>
    /// <param name="file">Where it comes from, for messages.</param>
    /// <inheritdoc cref="Load" path="/exception"/>
    public static HttpService Create(HttpDescription d, string file)
    {
        var parts = HttpPresetParts.Of(d.Preset);
        var body = new JsonTemplate(JsonMergePatch.Apply(d.Body ?? parts.Body ?? [], d.BodyChanges ?? []));
        var response = d.Response ?? parts.Response;
        if (HttpDescriptionChecks.Problem(d, body, response) is { } problem) throw new UserException(problem.What, problem.Remedy, file);
        var endpoint = HttpDescriptionChecks.Address(d.Url, out string? wrong)
            ?? throw new UserException($"the address {wrong}", "Give the service's http or https address.", file);
        if (endpoint.AbsolutePath == "/") endpoint = new Uri(endpoint, parts.Path + endpoint.Query);
        var variables = d.Headers.Values.Concat(d.Query.Values).Select(v => v.Env).OfType<string>().Concat(body.Environment).Distinct();
        var secrets = Secrets.Read(variables, file);
        if (secrets.Any && endpoint.Scheme == Uri.UriSchemeHttp && !endpoint.IsLoopback && !d.PlainHttp)
        {
            throw new UserException(
                $"secrets would go to {endpoint.Host} over http, where anyone on the way can read them",
                "Use https, or set \"plain_http\": true if the network is yours.",
                file);
        }
        return new HttpService(d, endpoint, body, response, d.IdempotencyHeader ?? parts.IdempotencyHeader, secrets);
    }

    /// <summary>An address below the endpoint's, with all parameters; for sending only.</summary>
    internal Uri AddressOf(string relative = "", string parameters = "")
    {
        var address = relative.Length == 0 ? Endpoint : new Uri(new Uri(Endpoint, Endpoint.AbsolutePath.TrimEnd('/') + "/"), relative);
        string[] all =
        [
            Endpoint.Query.TrimStart('?'), parameters,
            .. Description.Query.Select(p => $"{Uri.EscapeDataString(p.Key)}={Uri.EscapeDataString(Value(p.Value))}"),
        ];
        return new UriBuilder(address) { Query = string.Join('&', all.Where(p => p.Length > 0)) }.Uri;
    }

    /// <summary>The headers with all values; for sending to the endpoint's origin only.</summary>
    internal IEnumerable<(string Name, string Value)> Headers => Description.Headers.Select(h => (h.Key, Value(h.Value)));

    /// <summary>The body with all values; for sending only.</summary>
    internal JsonObject Fill(TemplateValues values, NoiseId noise) => Fill(values, noise, name => Secrets[name]);

    /// <summary>What a query sends, as text that holds no secret: its SHA-256 stands in the journal.</summary>
    internal string RequestHash(TemplateValues values, NoiseId noise) => CanonicalJson.Hash(new JsonObject
    {
        ["method"] = Description.Method,
        ["url"] = Endpoint.AbsoluteUri,
        ["body"] = Fill(values, noise, name => $"[{name}]"),
    });

    private JsonObject Fill(TemplateValues values, NoiseId noise, Func<string, string> environment)
    {
        var body = Body.Fill(values, environment);
        if (Description.ExactNoise) body[QueryNoise.Member] = QueryNoise.Of(noise).ToJson();
        return body;
    }

    private string Value(ParameterValue value) => value.Text ?? value.Prefix + Secrets[value.Env!];

    /// <summary>What the identity is the hash of.</summary>
    internal JsonObject WithoutSecrets()
    {
        return new JsonObject
        {
            ["preset"] = JsonSerializer.SerializeToNode(Description.Preset, Json.Options),
            ["method"] = Description.Method,
            ["url"] = Endpoint.AbsoluteUri,
            ["headers"] = Parameters(Description.Headers),
            ["query"] = Parameters(Description.Query),
            ["body"] = Anonymous(Body.Document),
            ["base64"] = Response?.Base64,
            ["picture_url"] = Response?.Url,
            ["raw"] = Response?.Raw,
            ["width"] = Description.Width,
            ["height"] = Description.Height,
            ["exact_noise"] = Description.ExactNoise,
        };

        static JsonObject Parameters(IReadOnlyDictionary<string, ParameterValue> all) =>
            new(all.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)(p.Value.Text ?? "[secret]"))));

        static JsonNode? Anonymous(JsonNode? node) => node switch
        {
            JsonObject o when JsonTemplate.EnvironmentOf(o) is not null => "[secret]",
            JsonObject o => new JsonObject(o.Select(m => KeyValuePair.Create(m.Key, Anonymous(m.Value)))),
            JsonArray a => new JsonArray([.. a.Select(Anonymous)]),
            _ => node?.DeepClone(),
        };
    }
}
