using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.Sources;

/// <summary>
/// A Stable Diffusion model in one file in the original layout. It comes without configurations: they are read off the shapes of its weights, the
/// noise schedule is Stable Diffusion's, the tokenizer is CLIP's.
/// </summary>
internal sealed class SingleFileSource : ModelSource
{
    /// <summary>What fills prompts up in Stable Diffusion v2.</summary>
    private const string V2Padding = "!";

    private readonly SingleFileCheckpoint _file;
    private readonly DerivationOptions _derivation;

    /// <exception cref="ModelFileException">The file is no model in the original layout, or has tensors that are not known.</exception>
    public SingleFileSource(ModelReference reference) : base(reference)
    {
        if (Overrides.Scheduler is { } scheduler && reference.Prediction is { } asked && scheduler.PredictionType != asked)
        {
            throw new ModelFileException($"the prediction type is given twice: {asked}, and {scheduler.PredictionType} by the configuration");
        }
        var options = new SingleFileOptions { UNetWeights = reference.UNetWeights };
        if (Overrides.TextEncoder is { } text) options = options with { OpenClipLayers = text.NumHiddenLayers };
        _file = SingleFileCheckpoint.Open(Path, options);
        _derivation = new DerivationOptions { Family = _file.Family, Prediction = Prediction };
    }

    public override bool HasVae => true;

    public override ITokenizer Tokenizer => ClipTokenizer.OpenAI(
        _file.Family == StableDiffusionFamily.V1 ? ClipTokenizer.EndOfText : V2Padding, TextEncoder.MaxPositionEmbeddings);

    private PredictionType Prediction => Overrides.Scheduler?.PredictionType ?? Reference.Prediction ?? _file.DefaultPrediction;

    public override string Derivation(params ReadOnlySpan<ComponentFolder> parts)
    {
        var text = new StringBuilder();
        string prediction = Overrides.Scheduler is not null || Reference.Prediction is not null ? "given" : _file.PredictionSource;
        text.Append($"{Path} is Stable Diffusion {_file.Family} in the original layout; it comes without configuration. From its shapes "
            + $"(prediction type: {prediction}), where nothing else is given:");
        foreach (var part in parts)
        {
            var (given, json) = part == ComponentFolder.UNet ? (Overrides.UNet is not null, UNet.ToJson())
                : part == ComponentFolder.Vae ? (Overrides.Vae is not null, Vae.ToJson())
                : (Overrides.TextEncoder is not null, TextEncoder.ToJson());
            Add(part.Name, given, json);
        }
        Add(ModelIndex.SchedulerFolder, Overrides.Scheduler is not null, Scheduler.ToJson());
        if (_file.Ignored.Count > 0) text.Append($"\n  not used: {_file.Ignored.Count} tensors: {PrintableText.List(_file.Ignored, 3)}");
        return text.ToString();

        void Add(string part, bool given, string json) =>
            text.Append($"\n  {part}{(given ? " (given)" : "")} {JsonNode.Parse(json)!.ToJsonString(JsonSerializerOptions.Default)}");
    }

    public override void Dispose()
    {
        base.Dispose();
        _file.Dispose();
    }

    protected override UNetConfig ReadUNet() => WeightShapes.UNet(_file.UNet, _derivation);

    protected override AutoencoderKLConfig ReadVae()
    {
        var config = WeightShapes.Vae(_file.Vae, _derivation);
        return config with { SampleSize = UNet.SampleSize << config.Halvings };
    }

    protected override ClipTextConfig ReadTextEncoder() => WeightShapes.TextEncoder(_file.TextEncoder, _file.Family, _derivation);

    protected override SchedulerConfig ReadScheduler() => new() { PredictionType = Prediction };

    protected override IWeightSource OpenWeights(ComponentFolder component) =>
        component == ComponentFolder.UNet ? _file.UNet
        : component == ComponentFolder.Vae ? _file.Vae
        : _file.TextEncoder;
}
