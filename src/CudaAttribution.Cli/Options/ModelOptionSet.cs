using System.CommandLine;
using System.Globalization;
using CudaAttribution.Answers;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Models.Schedulers;

namespace CudaAttribution.Cli.Options;

/// <summary>A model that a command opens, and how.</summary>
internal sealed class ModelOptionSet
{
    private const char ScaleMark = '@';

    /// <summary>diffusers' names.</summary>
    private static readonly Dictionary<string, PredictionType> Predictions =
        new() { ["epsilon"] = PredictionType.Epsilon, ["v_prediction"] = PredictionType.VPrediction };

    private readonly Option<FileSystemInfo?> _model;

    private readonly Option<FileInfo[]> _configs = new("--config")
    {
        Description = "A configuration in place of the model's own or derived one: config.json of a UNet, an autoencoder or a text encoder, or "
            + "scheduler_config.json; several allowed.",
        HelpName = "file",
    };

    private readonly Option<string[]> _adapters = new("--lora")
    {
        Description = "A LoRA adapter (diffusers, PEFT or kohya) to merge into the weights, with its strength if not 1: FILE[@0.8]; several allowed.",
        HelpName = "file[@x]",
    };

    private readonly Option<UNetWeights> _weights = new("--unet-weights")
    {
        Description = "Which of the UNet's weights to take from a single file: plain, or ema, their moving average.",
        DefaultValueFactory = _ => UNetWeights.Plain,
        HelpName = "plain|ema",
    };

    private readonly Option<PredictionType?> _prediction = new("--prediction-type")
    {
        Description = "What the UNet of a single file predicts. Without it the file's metadata say it, or else v1 is taken for epsilon and v2 for "
            + "v_prediction.",
        CustomParser = result =>
        {
            string given = result.Tokens[0].Value;
            if (Predictions.TryGetValue(given, out var type)) return type;
            result.AddError($"--prediction-type {given}: use {string.Join(" or ", Predictions.Keys)}");
            return null;
        },
        HelpName = string.Join('|', Predictions.Keys),
    };

    /// <param name="name">Name of the option that takes the path.</param>
    /// <param name="description">What the model is for.</param>
    /// <param name="required">Whether it must be given.</param>
    public ModelOptionSet(string name, string description, bool required = true) => _model = new(name)
    {
        Description = $"{description} {Forms}",
        Required = required,
        HelpName = "path",
    };

    /// <summary>What every path of a model may be.</summary>
    public const string Forms =
        "A folder in diffusers' layout, the folder of a run that trained one, or a single file (.safetensors, .ckpt) in the original layout.";

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _model, _configs, _adapters, _weights, _prediction }) command.Add(option);
    }

    /// <exception cref="UsageException">A strength is no number.</exception>
    public ModelReference Read(ParseResult parsed) => TryRead(parsed)!;

    /// <summary>Null where no model is given.</summary>
    /// <exception cref="UsageException">A strength is no number, or what belongs to a model is given without one.</exception>
    public ModelReference? TryRead(ParseResult parsed)
    {
        string[] configs = [.. (parsed.GetValue(_configs) ?? []).Select(f => f.FullName)];
        AdapterReference[] adapters = [.. (parsed.GetValue(_adapters) ?? []).Select(Adapter)];
        if (parsed.GetValue(_model) is { } path)
        {
            return new ModelReference(LocalModel.ModelFolder(path.FullName))
            {
                Configs = configs,
                Adapters = adapters,
                UNetWeights = parsed.GetValue(_weights),
                Prediction = parsed.GetValue(_prediction),
            };
        }
        return configs.Length == 0 && adapters.Length == 0 && parsed.GetValue(_prediction) is null && parsed.GetValue(_weights) == UNetWeights.Plain
            ? null
            : throw new UsageException($"--config, --lora, --unet-weights and --prediction-type belong to {_model.Name}, which is not given");
    }

    private static AdapterReference Adapter(string text)
    {
        int mark = text.LastIndexOf(ScaleMark);
        if (mark < 0 || File.Exists(text)) return new AdapterReference(Path.GetFullPath(text));
        return float.TryParse(text[(mark + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out float scale) && float.IsFinite(scale)
            ? new AdapterReference(Path.GetFullPath(text[..mark]), scale)
            : throw new UsageException($"--lora {text}: after {ScaleMark} the strength is expected, a number such as 0.8");
    }
}
