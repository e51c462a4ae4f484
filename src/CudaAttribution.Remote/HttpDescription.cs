using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace CudaAttribution.Remote;

/// <summary>Protocols whose requests and answers are known.</summary>
public enum HttpPreset
{
    /// <summary>POST /v1/images/generations as models since gpt-image-1 take it, base64 in <c>data[0].b64_json</c>.</summary>
    [JsonStringEnumMemberName("openai-images")]
    OpenAiImages,

    /// <summary>The same as dall-e-2 and dall-e-3 take it, which must be told to answer with base64.</summary>
    [JsonStringEnumMemberName("openai-images-2023")]
    OpenAiImages2023,

    /// <summary>POST /sdapi/v1/txt2img, base64 in <c>images[0]</c>.</summary>
    [JsonStringEnumMemberName("automatic1111")]
    Automatic1111,

    /// <summary>POST /prompt with a workflow, GET /history/ID until it is done, GET /view.</summary>
    [JsonStringEnumMemberName("comfyui")]
    ComfyUi,

    /// <summary>Everything is stated in the file.</summary>
    [JsonStringEnumMemberName("custom")]
    Custom,
}

/// <summary>Where an answer has its picture; exactly one is given.</summary>
public sealed record PictureLocation
{
    /// <summary>JSON path of a base64 text, such as <c>data[0].b64_json</c>; a data URI is taken as well.</summary>
    public string? Base64 { get; init; }

    /// <summary>JSON path of the picture's address.</summary>
    public string? Url { get; init; }

    /// <summary>The answer itself is the picture file.</summary>
    public bool Raw { get; init; }
}

/// <summary>How a refusal to draw looks: one of these statuses, and one of these texts (in any case) in the answer.</summary>
public sealed record RefusalRule
{
    public IReadOnlyList<int> Statuses { get; init; } = [400, 422, 451];

    public IReadOnlyList<string> Contains { get; init; } =
    [
        "content_policy_violation", "content_moderation", "moderation_blocked", "content_filter", "contentfilter", "safety system",
        "safety_violation",
    ];
}

/// <summary>A service that takes prompts over HTTP, as its JSON file describes it. It holds no secret.</summary>
public sealed record HttpDescription
{
    public const string CurrentSchema = "cudattr-http-suspect-1";

    public required string Schema { get; init; }

    /// <summary>What it is called in tables; null is its host.</summary>
    public string? Name { get; init; }

    public required HttpPreset Preset { get; init; }

    /// <summary>Address; with a preset, one without a path gets the preset's path.</summary>
    public required string Url { get; init; }

    /// <summary>POST or PUT.</summary>
    public string Method { get; init; } = "POST";

    public IReadOnlyDictionary<string, ParameterValue> Headers { get; init; } = new Dictionary<string, ParameterValue>();

    /// <summary>Parameters added to the address.</summary>
    public IReadOnlyDictionary<string, ParameterValue> Query { get; init; } = new Dictionary<string, ParameterValue>();

    /// <summary>Whether secrets may go over http to another machine.</summary>
    public bool PlainHttp { get; init; }

    /// <summary>The request with placeholders; null is the preset's. For ComfyUI it is the workflow.</summary>
    public JsonObject? Body { get; init; }

    /// <summary>Changes to the preset's body as a JSON merge patch (RFC 7396): members are merged, null removes.</summary>
    public JsonObject? BodyChanges { get; init; }

    /// <summary>Where the picture is; null is the preset's place.</summary>
    public PictureLocation? Response { get; init; }

    /// <summary>Other hosts (with port, where it is not the scheme's) that pictures may be fetched from; they never get a secret.</summary>
    public IReadOnlyList<string> PictureHosts { get; init; } = [];

    /// <summary>Width that is asked for, in pixels; null is that of the keys.</summary>
    public int? Width { get; init; }

    /// <summary>Height that is asked for; null is that of the keys.</summary>
    public int? Height { get; init; }

    /// <summary>Whether each query names its noise, which only <c>cudattr serve</c> understands: pictures are then those of a local model.</summary>
    public bool ExactNoise { get; init; }

    /// <summary>Header that names a request, so that the service can tell a repetition; null is the preset's.</summary>
    public string? IdempotencyHeader { get; init; }

    public RefusalRule Refusal { get; init; } = new();

    public HttpLimits Limits { get; init; } = new();

    /// <summary>g: prompts that are no keys, put between the keys.</summary>
    public int DecoysPerKey { get; init; }
}
