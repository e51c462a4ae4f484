using System.Text.Json.Serialization;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Populations;

/// <summary>How a model is fine-tuned from the base model. Only the UNet is trained.</summary>
public sealed record FineTuneRecipe
{
    public int Steps { get; init; } = 500;

    public int BatchSize { get; init; } = 32;

    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Steps over which the learning rate rises to its value.</summary>
    public int WarmupSteps { get; init; }

    public double WeightDecay { get; init; } = 1e-2;

    public double CaptionDrop { get; init; } = 0.1;

    /// <summary>Decay per step of the running average of the weights that becomes the model; 0 for none.</summary>
    public double EmaDecay { get; init; }

    /// <summary>Micro-batches that a step is computed in: the same gradient but for its rounding, in less memory.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? GradientAccumulation { get; init; }

    /// <summary>Whether activations are computed once more instead of kept: the same bits in less memory.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ActivationCheckpointing { get; init; }

    /// <summary>Gradients are scaled down to this norm, 0 leaves them; null, and in no file, is 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MaxGradientNorm { get; init => field = value == 1 ? null : value; }

    /// <summary>γ of Min-SNR weighting; 0, and in no file, where all timesteps weigh alike.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double MinSnrGamma { get; init; }

    /// <summary>Rank of the adapter that is trained in place of the weights and merged into them; null, and in no file, where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? AdapterRank { get; init; }

    /// <summary>The adapter counts alpha / rank times; null, and in no file, is the rank.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? AdapterAlpha { get; init; }

    /// <summary>Steps between checkpoints, from which a killed run goes on; it does not change the result.</summary>
    public int CheckpointInterval { get; init; } = 100;

    /// <summary>Type of the weights in the file. Training is F32; the model is what the file holds.</summary>
    public DType WeightType { get; init; } = DType.F32;

    /// <summary>As the training loop takes it; memory is all that is free.</summary>
    /// <param name="seed">Seed of all draws.</param>
    /// <param name="checkpoints">Folder of the checkpoints, from which it goes on.</param>
    public TrainOptions Options(ulong seed, string checkpoints) => new()
    {
        Steps = Steps,
        BatchSize = BatchSize,
        LearningRate = LearningRate,
        WarmupSteps = WarmupSteps,
        Optimizer = new AdamWOptions { WeightDecay = WeightDecay },
        MaxGradientNorm = MaxGradientNorm ?? 1,
        EmaDecay = EmaDecay,
        GradientAccumulation = GradientAccumulation ?? 1,
        ActivationCheckpointing = ActivationCheckpointing,
        Seed = seed,
        CheckpointInterval = CheckpointInterval,
        CheckpointFolder = checkpoints,
        Resume = true,
    };

    /// <summary>What is minimised.</summary>
    public DiffusionObjective Objective() => new() { CaptionDrop = CaptionDrop, MinSnrGamma = MinSnrGamma };

    /// <summary>The adapter that is trained, if one is.</summary>
    /// <param name="seed">Seed of its first weights.</param>
    public LoraOptions? Adapter(ulong seed) => AdapterRank is { } rank ? new LoraOptions(rank, AdapterAlpha, seed) : null;

    /// <exception cref="UserException">A value makes no sense; the message names it.</exception>
    public void Validate()
    {
        Options(0, ".").Validate();
        Objective().Validate();
        Adapter(0)?.Validate();
    }
}
