using System.Text.Json.Nodes;

namespace CudaAttribution.Cli.Serving;

/// <summary>OpenAI's image generation, as far as a local model can follow it; <c>seed</c> is an addition.</summary>
internal sealed class OpenAiImages : IImageProtocol
{
    public string Path => "/v1/images/generations";

    public DrawRequest Read(RequestBody body, ServedModel model)
    {
        int count = body.Integer("n", 1, RequestBody.MostPictures) ?? 1;
        body.Only("model", model.Name, "that is the model served here");
        body.Only("size", $"{model.Size}x{model.Size}", "the model makes no other size");
        body.Only("response_format", "b64_json", "pictures are not kept for fetching");
        var request = new DrawRequest(body.Prompt(), count, body.Seed(), body.Noise(count), model.Sampling);
        body.RequireNothingElse();
        return request;
    }

    public JsonObject Answer(IReadOnlyList<byte[]> pngs, DrawRequest request, ServedModel model) => new()
    {
        ["created"] = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
        ["data"] = new JsonArray([.. pngs.Select(png => new JsonObject { ["b64_json"] = Convert.ToBase64String(png) })]),
    };

    public JsonObject Error(int status, string message) => new()
    {
        ["error"] = new JsonObject
        {
            ["message"] = message,
            ["type"] = status is >= 400 and < 500 ? "invalid_request_error" : "server_error",
            ["param"] = null,
            ["code"] = status == 401 ? "invalid_api_key" : null,
        },
    };
}
