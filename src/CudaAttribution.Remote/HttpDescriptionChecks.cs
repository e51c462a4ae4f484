using System.Text.RegularExpressions;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Remote;

/// <summary>What a description may not say.</summary>
internal static partial class HttpDescriptionChecks
{
    // The transport sets these, or they change what a request is.
    private static readonly string[] ReservedHeaders =
    [
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "keep-alive", "upgrade", "expect", "te",
        "trailer", "accept-encoding",
    ];

    /// <summary>The first thing that is wrong; null where nothing is.</summary>
    public static (string What, string Remedy)? Problem(HttpDescription d, JsonTemplate body, PictureLocation? response) =>
        Nulls(d) ?? Parameters(d) ?? Body(d, body) ?? Response(d, response) ?? Rest(d) ?? OpenAiModels.Problem(d, body.Document);

    /// <summary>The address, or null and why not.</summary>
    public static Uri? Address(string text, out string? problem)
    {
        problem = null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps))
            problem = "is neither http nor https";
        else if (uri.UserInfo.Length > 0) problem = "holds a user name or password";
        else if (uri.Fragment.Length > 0) problem = "holds a fragment (#...)";
        return problem is null ? uri : null;
    }

    // Members that are null are refused where the file is read; items of lists and dictionaries are not.
    private static (string, string)? Nulls(HttpDescription d)
    {
        object?[] items = [.. d.Headers.Values, .. d.Query.Values, .. d.PictureHosts, .. d.Refusal.Contains];
        return items.Contains(null) ? ("headers, query, picture_hosts or refusal hold a null", "Give a value, or leave the item out.") : null;
    }

    private static (string, string)? Parameters(HttpDescription d)
    {
        foreach (var (name, value) in d.Headers)
        {
            if (!HeaderName().IsMatch(name)) return ($"the header name '{name}' is none", "Correct it.");
            if (ReservedHeaders.Contains(name.ToLowerInvariant())) return ($"the header {name} is set by this program", "Leave it out.");
            if ((value.Text ?? value.Prefix).Any(c => c is < ' ' or > '~'))
                return ($"the header {name} holds a character that cannot be sent", "Correct it.");
        }
        foreach (var (name, value) in d.Headers.Concat(d.Query))
        {
            if (value.Text is { } text && Secrets.IsTelling(name, text)) return LiteralSecret($"'{name}'");
            if (value.Env is { } env && !VariableName().IsMatch(env)) return NoVariable(env);
        }
        if (Address(d.Url, out _) is { } address)
        {
            foreach (string pair in address.Query.TrimStart('?').Split('&'))
            {
                string name = pair.Split('=')[0];
                if (Secrets.IsTelling(name, "")) return LiteralSecret($"the address's parameter '{name}'");
            }
        }
        return null;
    }

    private static (string, string)? Body(HttpDescription d, JsonTemplate body)
    {
        if (d.Body is null && d.Preset == HttpPreset.Custom)
            return ("a custom service needs a body", "Give the JSON that it expects, with {prompt} in it.");
        if (body.UnknownPlaceholder is { } name) return ($"the body has an unknown placeholder {{{name}}}", $"Use {JsonTemplate.KnownPlaceholders}.");
        if (!body.Uses("prompt")) return ("the body has no {prompt}", "Every query must carry its prompt.");
        foreach (var (member, text) in body.Literals)
        {
            if (Secrets.IsTellingMember(member, text)) return LiteralSecret($"'{member}' in the body");
        }
        foreach (string env in body.Environment)
        {
            if (!VariableName().IsMatch(env)) return NoVariable(env);
        }
        if (d.Preset == HttpPreset.ComfyUi && d.Body is null && body.Document["1"]?["inputs"]?["ckpt_name"] is null)
        {
            return (
                "the workflow does not say which checkpoint to load",
                "Give \"body_changes\": {\"1\": {\"inputs\": {\"ckpt_name\": \"NAME.safetensors\"}}}, or a workflow (API format) as \"body\".");
        }
        return null;
    }

    private static (string, string)? Response(HttpDescription d, PictureLocation? response)
    {
        if (d.Preset == HttpPreset.ComfyUi)
        {
            if (d.Response is not null) return ("ComfyUI's answers need no \"response\"", "Leave it out.");
            if (d.ExactNoise) return ("ComfyUI takes no exact noise", "Leave \"exact_noise\" out: only 'cudattr serve' understands it.");
            if (d.IdempotencyHeader is not null) return ("ComfyUI's requests are named without a header", "Leave \"idempotency_header\" out.");
            return d.Method == "POST" ? null : ("ComfyUI takes POST only", "Leave \"method\" out.");
        }
        if (response is null)
            return ("it is not said where the answer has its picture", "Give \"response\": {\"base64\": PATH}, {\"url\": PATH} or {\"raw\": true}.");
        int given = (response.Base64 is null ? 0 : 1) + (response.Url is null ? 0 : 1) + (response.Raw ? 1 : 0);
        if (given != 1) return ("\"response\" must have exactly one of base64, url and raw", "Keep the one that the service uses.");
        return (response.Base64 ?? response.Url) is { } path && JsonPath.TryParse(path) is null
            ? ($"'{path}' is no JSON path", "Write names and indices, such as data[0].b64_json.")
            : null;
    }

    private static (string, string)? Rest(HttpDescription d)
    {
        if (d.Method is not ("POST" or "PUT")) return ($"the method is '{d.Method}'", "Use POST or PUT.");
        if (d.Width is < 1 or > 16_384 || d.Height is < 1 or > 16_384 || d.Width is null != d.Height is null)
            return ("width and height must be 1 to 16384, both or none", "Correct them.");
        if (d.DecoysPerKey is < 0 or > 100) return ($"decoys_per_key is {d.DecoysPerKey}, not 0 to 100", "Correct it.");
        if (d.IdempotencyHeader is { } header && !HeaderName().IsMatch(header)) return ($"the header name '{header}' is none", "Correct it.");
        if (d.Refusal.Statuses.Any(s => s is < 400 or > 499 or 401 or 429))
            return ("a refusal's status must be 400 to 499, but neither 401 nor 429", "Correct \"refusal\".");
        if (d.Refusal.Contains.Any(t => t.Length == 0)) return ("a refusal's text is empty", "Correct \"refusal\".");
        return d.Limits.Problem() is { } limits ? (limits, "Correct it.") : null;
    }

    private static (string, string) LiteralSecret(string where) => (
        $"{where} looks like a secret and stands in the file",
        "Put it into an environment variable and write {\"env\": \"ITS_NAME\"} instead (parameters of the address: under \"query\").");

    private static (string, string) NoVariable(string name) =>
        ($"'{name}' names no environment variable", "Name it as the shell does: SUSPECT_TOKEN.");

    [GeneratedRegex("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
    private static partial Regex HeaderName();

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex VariableName();
}
