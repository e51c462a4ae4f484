using System.CommandLine;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Populations;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Cli.Options;

/// <summary>What <c>train</c> and <c>finetune</c> have in common.</summary>
internal sealed class TrainingOptionSet(double learningRate, int steps)
{
    private readonly Option<int> _steps = new("--steps") { Description = "Optimiser steps.", DefaultValueFactory = _ => steps, HelpName = "n" };
    private readonly Option<int> _batch = new("--batch") { Description = "Pictures of a step.", DefaultValueFactory = _ => 32, HelpName = "n" };
    private readonly Option<int> _accumulate = CommonOptions.Accumulate();
    private readonly Option<bool> _checkpointActivations = CommonOptions.CheckpointActivations();
    private readonly Option<double?> _memory = new("--memory-limit")
    {
        Description = "Refuse a training that would take more device memory than this; without it, more than is free.",
        HelpName = "GB",
    };
    private readonly Option<double> _decay = new("--weight-decay")
    {
        Description = "AdamW's decoupled weight decay.",
        DefaultValueFactory = _ => new AdamWOptions().WeightDecay,
        HelpName = "x",
    };
    private readonly Option<double> _norm = new("--max-grad-norm")
    {
        Description = "Gradients are scaled down to this norm; 0 leaves them.",
        DefaultValueFactory = _ => 1,
        HelpName = "x",
    };
    private readonly Option<double> _rate = new("--lr")
    {
        Description = "Learning rate, constant after the warm-up.",
        DefaultValueFactory = _ => learningRate,
        HelpName = "x",
    };
    private readonly Option<int> _warmup = new("--warmup")
    {
        Description = "Steps over which the learning rate rises.",
        DefaultValueFactory = _ => 0,
        HelpName = "n",
    };
    private readonly Option<double> _drop = new("--caption-drop")
    {
        Description = "Share of pictures trained with the empty caption.",
        DefaultValueFactory = _ => 0.1,
        HelpName = "p",
    };
    private readonly Option<double> _minSnr = new("--min-snr")
    {
        Description = "Weight the loss by timestep with Min-SNR's gamma; 5 is usual, 0 weights all alike.",
        DefaultValueFactory = _ => 0.0,
        HelpName = "gamma",
    };
    private readonly Option<double> _ema = new("--ema")
    {
        Description = "Decay of the running average of the weights that becomes the model; 0 for none.",
        DefaultValueFactory = _ => 0.0,
        HelpName = "x",
    };
    private readonly Option<int> _every = new("--checkpoint-every")
    {
        Description = "Steps between checkpoints; a killed run goes on from the last one.",
        DefaultValueFactory = _ => 200,
        HelpName = "n",
    };

    private readonly Option<DType> _type =
        CommonOptions.WeightType("Type of the weights in the file: F32, F16 or BF16. Training is F32.", _ => DType.F32);

    public RunOptionSet Run { get; } = new();

    public Option<string> Data { get; } = RequiredData();

    public Option<BadImagePolicy> OnBadImage { get; } = CommonOptions.OnBadImage();

    /// <summary>The options that <see cref="Recipe"/> reads, and what a damaged picture does.</summary>
    public IEnumerable<Option> OfRecipe =>
    [
        OnBadImage, _steps, _batch, _accumulate, _checkpointActivations, _rate, _warmup, _decay, _norm, _drop, _minSnr, _ema, _every, _type,
    ];

    public void AddTo(Command command)
    {
        foreach (var option in OfRecipe.Prepend(Data).Append(_memory)) command.Add(option);
        Run.AddTo(command);
    }

    public FineTuneRecipe Recipe(ParseResult parsed) => new()
    {
        Steps = parsed.GetValue(_steps),
        BatchSize = parsed.GetValue(_batch),
        GradientAccumulation = parsed.GetValue(_accumulate) is var n and not 1 ? n : null,
        ActivationCheckpointing = parsed.GetValue(_checkpointActivations),
        LearningRate = parsed.GetValue(_rate),
        WarmupSteps = parsed.GetValue(_warmup),
        WeightDecay = parsed.GetValue(_decay),
        MaxGradientNorm = parsed.GetValue(_norm),
        CaptionDrop = parsed.GetValue(_drop),
        MinSnrGamma = parsed.GetValue(_minSnr),
        EmaDecay = parsed.GetValue(_ema),
        CheckpointInterval = parsed.GetValue(_every),
        WeightType = parsed.GetValue(_type),
    };

    /// <summary>Bytes of device memory; null for all that are free.</summary>
    public long? MemoryLimit(ParseResult parsed) => parsed.GetValue(_memory) is { } gigabytes ? Bytes(gigabytes) : null;

    private static long Bytes(double gigabytes) => gigabytes > 0 && gigabytes < 1e9
        ? (long)(gigabytes * 1e9)
        : throw new UsageException($"--memory-limit must be a positive number of gigabytes, it is {gigabytes}");

    private static Option<string> RequiredData()
    {
        var data = CommonOptions.Data("--data", "Captioned pictures, read as the steps need them, so they must not change meanwhile");
        data.Required = true;
        return data;
    }
}
