using System.Globalization;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Models.Training;

/// <summary>
/// Device memory of a training run in bytes, known before the first step: a step is run on a device that only accounts for memory
/// (<c>ComputeDevice.Planning</c>). To the byte what the run reserves with the project's kernels; engines of others have memory of their own,
/// so with them it is an estimate.
/// </summary>
/// <param name="Weights">The model, also the part that is not trained.</param>
/// <param name="Gradients">Gradients of the trained part.</param>
/// <param name="Optimizer">First and second moments.</param>
/// <param name="Average">The running average of the weights.</param>
/// <param name="Inputs">What frozen parts made of the training set once (embedded captions, encoded pictures), and what a step uploads.</param>
/// <param name="Activations">Activations, their gradients and inputs of a micro-batch, at their peak.</param>
/// <param name="Workspace">Scratch of single operations, and blocks of other sizes that wait for reuse.</param>
/// <param name="Preparation">Most that is held before the first step, weights and gradients included, while the training set is encoded.</param>
public sealed record MemoryPlan(
    long Weights, long Gradients, long Optimizer, long Average, long Inputs, long Activations, long Workspace, long Preparation)
{
    /// <summary>Most that is held at any time.</summary>
    public long Total => Math.Max(Preparation, Weights + Gradients + Optimizer + Average + Inputs + Activations + Workspace);

    /// <summary>Plans a run; nothing is computed and no device memory is taken.</summary>
    /// <exception cref="ArgumentException">The options make no sense.</exception>
    internal static MemoryPlan Of(ITrainingTask task, TrainOptions options)
    {
        options.Validate();
        using var device = ComputeDevice.Planning(task.Parameters.Device);
        options = options with { CheckpointFolder = null };
        using var state = new TrainingState(task.Plan(options, device), options);
        var pool = device.Pool;
        long preparation = pool.PeakReserved, held = pool.InUse;
        pool.ResetPeaks();
        state.Step(0);
        state.CountBrokenWeights();
        var plan = new MemoryPlan(
            task.WeightBytes, task.Parameters.Gradients.Bytes, 2 * task.Parameters.Values.Bytes, state.AverageBytes, state.InputBytes,
            pool.PeakTensors - held, Workspace: 0, preparation);
        return plan with { Workspace = pool.PeakReserved - (plan with { Preparation = 0 }).Total };
    }

    /// <summary>Refuses a run that cannot fit.</summary>
    /// <exception cref="TrainingMemoryException">It does not fit the device or <see cref="TrainOptions.MemoryLimit"/>.</exception>
    internal void RequireRoom(ComputeDevice device, TrainOptions options)
    {
        device.Pool.Trim();
        long model = Weights + Gradients, free = device.Driver.FreeMemory();
        if (Total > options.MemoryLimit) throw Refusal($"the limit is {Size(options.MemoryLimit.Value)}", options);
        if (Total - model > free)
        {
            throw Refusal($"{device.Driver.Info.Id} has {Size(free)} free beside weights and gradients, which are there already", options);
        }
    }

    /// <summary>The parts and their sum, on one line.</summary>
    public override string ToString() =>
        $"weights {Size(Weights)}, gradients {Size(Gradients)}, optimiser {Size(Optimizer)}, average {Size(Average)}, inputs {Size(Inputs)}, "
        + $"activations {Size(Activations)}, workspace {Size(Workspace)}: {Size(Total)} in all"
        + (Total == Preparation ? ", at its peak while the training set is encoded" : "");

    private TrainingMemoryException Refusal(string limit, TrainOptions options)
    {
        List<string> advice = ["a smaller model or a device with more memory"];
        if (!options.ActivationCheckpointing) advice.Insert(0, "activation checkpointing");
        if (options.GradientAccumulation < options.BatchSize) advice.InsertRange(0, ["a smaller batch", "more gradient accumulation"]);
        if (options.EmaDecay > 0) advice.Insert(0, "no running average");
        return new TrainingMemoryException($"the training does not fit: {this}; {limit}. Use {string.Join(", ", advice)}");
    }

    private static string Size(long bytes) => bytes switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.00} GB"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes:N0} bytes"),
    };
}

/// <summary>A training run needs more memory than there is; the message has the plan and what to change.</summary>
public sealed class TrainingMemoryException(string message) : Exception(message);
