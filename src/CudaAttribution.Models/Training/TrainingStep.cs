using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Training;

/// <summary>Loss and gradients of one training step, from its number and its inputs.</summary>
/// <param name="unet">The network.</param>
/// <param name="trained">The parameters that get gradients.</param>
/// <param name="inputs">What it is trained on.</param>
/// <param name="process">The loss.</param>
/// <param name="options">How.</param>
internal sealed class TrainingStep(
    UNet2DConditionModel unet, ParameterSet trained, ITrainingInputs inputs, ForwardProcess process, TrainOptions options)
{
    private static readonly ulong NoiseStream = Philox.Stream("train.noise");

    private readonly int _microBatch = options.BatchSize / options.GradientAccumulation;
    private readonly float _share = 1f / options.GradientAccumulation;

    /// <summary>Sets the gradients to their mean over the batch that was uploaded; only issues work.</summary>
    /// <param name="step">Number of the step.</param>
    /// <param name="losses">Gets the loss of each micro-batch.</param>
    public void Compute(int step, Tensor losses)
    {
        trained.ZeroGrad();
        for (int first = 0; first < options.BatchSize; first += _microBatch) AddGradient(step, first, losses.Rows(first / _microBatch, 1));
    }

    private void AddGradient(int step, int first, Tensor loss)
    {
        var device = trained.Device;
        using var tape = new Tape(device, record: true) { Checkpointing = options.ActivationCheckpointing };
        var clean = inputs.Clean(tape, step, first, _microBatch);
        var noise = tape.New(clean.Shape);
        long before = (long)step * options.BatchSize + first;
        Sampling.Normal(noise, options.Seed, NoiseStream, before * (noise.Count / _microBatch));
        var mean = process.Loss(tape, unet, clean, noise, inputs.Timesteps(first, _microBatch), inputs.Text(tape, first, _microBatch));
        tape.Backward(mean, _share);
        loss.CopyFrom(mean);
    }
}
