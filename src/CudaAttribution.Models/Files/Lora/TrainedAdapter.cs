using System.Text.Json.Nodes;
using CudaAttribution.Models.Layers;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.Lora;

/// <summary>The adapter of a model that was opened with one: its matrices on the device, and how they are kept as files.</summary>
/// <param name="parameters">Frozen; named as <see cref="LowRankAdapter"/> names them, under <c>unet.</c>.</param>
/// <param name="options">Rank and scale.</param>
internal sealed class TrainedAdapter(ParameterSet parameters, LoraOptions options)
{
    private const string Down = ".lora_A.weight", Up = ".lora_B.weight", Prefix = "unet.";

    public LoraOptions Options => options;

    public ParameterSet Parameters => parameters;

    /// <summary>Names of the layers, <c>unet.</c> left out.</summary>
    private IEnumerable<string> Modules =>
        parameters.Names.Where(n => n.EndsWith(Down, StringComparison.Ordinal)).Select(n => n[Prefix.Length..^Down.Length]);

    /// <summary>What the adapter adds to the UNet's weights, by their names in files. Waits for the device.</summary>
    public IReadOnlyDictionary<string, LowRankDelta> Deltas() => Modules.ToDictionary(
        m => m + ".weight",
        m => new LowRankDelta(
            options.Rank, parameters[Prefix + m + Down].ToArray<float>(), parameters[Prefix + m + Up].ToArray<float>(), options.Factor));

    /// <summary>
    /// Writes a safetensors file as diffusers and PEFT do: their names, and rank and alpha in the metadata. <see cref="LoraAdapter"/> reads it.
    /// </summary>
    /// <exception cref="WeightFileException">It cannot be written.</exception>
    public void Write(string path)
    {
        using var tensors = new TensorState(path);
        parameters.SaveTo(tensors);
        var targets = new JsonArray([.. Modules.Select(LayerName).Distinct().Order(StringComparer.Ordinal).Select(n => JsonValue.Create(n))]);
        var settings = new JsonObject
        {
            [PeftAlphas.Name(LoraTarget.UNet, "r")] = options.Rank,
            [PeftAlphas.Name(LoraTarget.UNet, PeftAlphas.Alpha)] = options.Alpha ?? options.Rank,
            [PeftAlphas.Name(LoraTarget.UNet, "init_lora_weights")] = "gaussian",
            [PeftAlphas.Name(LoraTarget.UNet, "target_modules")] = targets,
        };
        SafetensorsWriter.Write(
            path, tensors, new Dictionary<string, string> { ["format"] = "pt", [LoraAdapter.PeftMetadata] = settings.ToJsonString() });
    }

    /// <summary>What PEFT calls a layer in all blocks alike: <c>to_q</c>, <c>to_out.0</c>.</summary>
    private static string LayerName(string module)
    {
        string[] parts = module.Split('.');
        return char.IsAsciiDigit(parts[^1][0]) ? string.Join('.', parts[^2..]) : parts[^1];
    }
}
