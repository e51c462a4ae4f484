using System.Text.Json.Nodes;
using CudaAttribution.Answers;

namespace CudaAttribution.Cli.Serving;

/// <summary>AUTOMATIC1111's text to image, as far as a local model can follow it.</summary>
internal sealed class Automatic1111 : IImageProtocol
{
    private const int ShortHash = 10;
    private const int MostSteps = 1000;
    private const double MostGuidance = 100;

    public string Path => "/sdapi/v1/txt2img";

    public DrawRequest Read(RequestBody body, ServedModel model)
    {
        int count = (body.Integer("batch_size", 1, RequestBody.MostPictures) ?? 1) * (body.Integer("n_iter", 1, RequestBody.MostPictures) ?? 1);
        if (count > RequestBody.MostPictures) throw new BadRequestException($"{count} pictures are wanted, the most are {RequestBody.MostPictures}");
        int width = body.Integer("width", 1, int.MaxValue) ?? model.Size, height = body.Integer("height", 1, int.MaxValue) ?? model.Size;
        if (width != model.Size || height != model.Size)
            throw new BadRequestException($"the model makes pictures of {model.Size} x {model.Size} only");
        string solver = body.Text("sampler_name") ?? SamplerNames.WebUi(model.Sampling.Solver);
        var sampling = model.Sampling with
        {
            Solver = SamplerNames.FromWebUi(solver) ?? throw new BadRequestException($"'sampler_name' must be one of {SamplerNames.AllWebUi}"),
            Steps = body.Integer("steps", 1, MostSteps) ?? model.Sampling.Steps,
            Guidance = body.Number("cfg_scale", 0, MostGuidance) ?? model.Sampling.Guidance,
            NegativePrompt = body.Prompt("negative_prompt") ?? model.Sampling.NegativePrompt,
        };
        var request = new DrawRequest(body.Prompt(), count, body.Seed(), body.Noise(count), sampling);
        body.RequireNothingElse();
        return request;
    }

    public JsonObject Answer(IReadOnlyList<byte[]> pngs, DrawRequest request, ServedModel model)
    {
        var parameters = new JsonObject
        {
            ["prompt"] = request.Prompt,
            ["negative_prompt"] = request.Sampling.NegativePrompt ?? "",
            ["seed"] = request.Seed,
            ["steps"] = request.Sampling.Steps,
            ["cfg_scale"] = request.Sampling.Guidance,
            ["sampler_name"] = SamplerNames.WebUi(request.Sampling.Solver),
            ["width"] = model.Size,
            ["height"] = model.Size,
        };
        var info = (JsonObject)parameters.DeepClone();
        info["sd_model_name"] = model.Name;
        info["sd_model_hash"] = model.Identity[..ShortHash];
        return new JsonObject
        {
            ["images"] = new JsonArray([.. pngs.Select(png => JsonValue.Create(Convert.ToBase64String(png)))]),
            ["parameters"] = parameters,
            ["info"] = info.ToJsonString(),
        };
    }

    public JsonObject Error(int status, string message) => new() { ["detail"] = message };
}
