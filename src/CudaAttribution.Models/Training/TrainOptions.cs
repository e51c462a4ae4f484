using CudaAttribution.Runs;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Training;

/// <summary>
/// How a <see cref="TrainingLoop"/> trains. The first group decides the result, bit for bit; the second only how it is
/// computed, watched and saved, so it may differ between a run and its continuation.
/// </summary>
public sealed record TrainOptions
{
    /// <summary>Optimiser steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Pictures of a step; batches run across the ends of epochs, so every one is full, also where the set is smaller.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Micro-batches that a step's pictures are computed in, one after the other; it divides <see cref="BatchSize"/>. Pictures and draws are those of
    /// the step in one piece and the gradient is the mean over all of them, so only the rounding differs, unless the network looks at its batch (batch
    /// norm), and activations take so many times less memory.
    /// </summary>
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>Learning rate after the warm-up, constant.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>Steps over which the learning rate rises linearly to its value.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>AdamW's constants.</summary>
    public AdamWOptions Optimizer { get; init; } = new();

    /// <summary>Parameters with another learning rate or decay, as <see cref="AdamW"/> takes them; a group's name stands for it in checkpoints.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; init; } = [];

    /// <summary>Gradients are scaled down to this global norm; 0 leaves them.</summary>
    public double MaxGradientNorm { get; init; } = 1;

    /// <summary>
    /// Decay per step of the running average of the weights, which then is the result; 0 for none. Buffers are not averaged: those of the last step
    /// stay.
    /// </summary>
    public double EmaDecay { get; init; }

    /// <summary>Seed of all draws: order of the pictures and what the task draws.</summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// Whether to keep only what passes between the blocks of the networks and to compute the rest again in backward: less memory for activations,
    /// about a third more time, the same bits.
    /// </summary>
    public bool ActivationCheckpointing { get; init; }

    /// <summary>Device memory in bytes that the run may take, the model included; null for all that is free.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>Losses are fetched from the device, checked and reported every so many steps, and at the end.</summary>
    public int ReportInterval { get; init; } = 20;

    /// <summary>A checkpoint is written every so many steps; 0 for none.</summary>
    public int CheckpointInterval { get; init; }

    /// <summary>
    /// Folder of the checkpoints, and of what frozen parts made of the training set; needed where <see cref="CheckpointInterval"/> is positive or
    /// <see cref="Resume"/> is set.
    /// </summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>
    /// Whether to go on from the newest checkpoint of the folder, if there is one. Without it a folder with checkpoints is refused.
    /// </summary>
    public bool Resume { get; init; }

    /// <summary>Steps that make the given number of epochs over a set.</summary>
    public static int StepsFor(double epochs, int count, int batchSize) => checked((int)Math.Ceiling(epochs * count / batchSize));

    /// <exception cref="UserException">A value makes no sense; the message names it.</exception>
    public void Validate()
    {
        Require(Steps > 0, nameof(Steps), Steps, "positive");
        Require(BatchSize > 0, nameof(BatchSize), BatchSize, "positive");
        Require((long)Steps * BatchSize <= int.MaxValue, nameof(Steps), Steps, $"at most {int.MaxValue / BatchSize} at batch size {BatchSize}");
        Require(GradientAccumulation > 0, nameof(GradientAccumulation), GradientAccumulation, "positive");
        Require(
            BatchSize % GradientAccumulation == 0,
            nameof(GradientAccumulation),
            GradientAccumulation,
            $"a divisor of the batch size {BatchSize}");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), nameof(LearningRate), LearningRate, "positive");
        Require(WarmupSteps >= 0, nameof(WarmupSteps), WarmupSteps, "zero or positive");
        if (Optimizer.Problem() is { } problem) throw new UserException(problem, "Correct it.");
        Require(MaxGradientNorm >= 0 && double.IsFinite(MaxGradientNorm), nameof(MaxGradientNorm), MaxGradientNorm, "zero or positive");
        Require(EmaDecay is >= 0 and < 1, nameof(EmaDecay), EmaDecay, "in [0, 1)");
        Require(MemoryLimit is null or > 0, nameof(MemoryLimit), MemoryLimit ?? 0, "positive");
        Require(ReportInterval > 0, nameof(ReportInterval), ReportInterval, "positive");
        Require(CheckpointInterval >= 0, nameof(CheckpointInterval), CheckpointInterval, "zero or positive");
        if ((CheckpointInterval > 0 || Resume) && string.IsNullOrEmpty(CheckpointFolder))
        {
            throw new ArgumentException($"{nameof(CheckpointInterval)} and {nameof(Resume)} need a {nameof(CheckpointFolder)}");
        }
    }

    internal static void Require(bool holds, string name, object value, string rule)
    {
        if (!holds) throw new UserException(FormattableString.Invariant($"{name} is {value}"), $"It must be {rule}.");
    }
}
