using System.Text.Json.Nodes;

namespace CudaAttribution.Remote;

/// <summary>What a preset states, so that a description needs little more than an address.</summary>
/// <param name="Path">Path of an address that has none.</param>
/// <param name="Body">The request.</param>
/// <param name="Response">Where the picture is.</param>
/// <param name="IdempotencyHeader">Header that names a request; null where the protocol has none.</param>
internal sealed record HttpPresetParts(string Path, JsonObject? Body, PictureLocation? Response, string? IdempotencyHeader)
{
    public static HttpPresetParts Of(HttpPreset preset) => preset switch
    {
        HttpPreset.OpenAiImages => new(
            "/v1/images/generations", Parse(OpenAiImages), new PictureLocation { Base64 = "data[0].b64_json" }, "Idempotency-Key"),
        HttpPreset.OpenAiImages2023 => Of(HttpPreset.OpenAiImages) with { Body = Parse(OpenAiImages2023) },
        HttpPreset.Automatic1111 => new("/sdapi/v1/txt2img", Parse(Automatic1111), new PictureLocation { Base64 = "images[0]" }, null),
        HttpPreset.ComfyUi => new("/", Parse(ComfyUi), null, null),
        HttpPreset.Custom => new("/", null, null, null),
        _ => throw new ArgumentOutOfRangeException(nameof(preset), preset, "Unknown preset."),
    };

    // Both lack model: it is what the description is about.
    private const string OpenAiImages = """{"prompt": "{prompt}", "n": 1, "size": "{width}x{height}"}""";

    private const string OpenAiImages2023 =
        """{"prompt": "{prompt}", "n": 1, "size": "{width}x{height}", "response_format": "b64_json"}""";

    private const string Automatic1111 =
        """
        {"prompt": "{prompt}", "negative_prompt": "{negative_prompt}", "seed": "{seed}", "steps": "{steps}", "cfg_scale": "{guidance}",
         "width": "{width}", "height": "{height}", "sampler_name": "{sampler}", "batch_size": 1, "n_iter": 1}
        """;

    // Node 1 lacks ckpt_name: only the owner of the service knows the checkpoint's name.
    private const string ComfyUi =
        """
        {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {}},
         "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "{prompt}", "clip": ["1", 1]}},
         "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "{negative_prompt}", "clip": ["1", 1]}},
         "4": {"class_type": "EmptyLatentImage", "inputs": {"width": "{width}", "height": "{height}", "batch_size": 1}},
         "5": {"class_type": "KSampler", "inputs": {"seed": "{seed}", "steps": "{steps}", "cfg": "{guidance}", "sampler_name": "{sampler}",
               "scheduler": "ddim_uniform", "denoise": 1, "model": ["1", 0], "positive": ["2", 0], "negative": ["3", 0], "latent_image": ["4", 0]}},
         "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
         "7": {"class_type": "SaveImage", "inputs": {"filename_prefix": "picture", "images": ["6", 0]}}}
        """;

    private static JsonObject Parse(string text) => (JsonObject)JsonNode.Parse(text)!;
}
