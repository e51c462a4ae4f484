using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models;

/// <summary>Loss and gradients of one training step, from its number.</summary>
internal sealed class TrainingStep
{
    private static readonly ulong NoiseStream = Philox.Stream("train.noise");

    private readonly DiffusionModel _model;
    private readonly TrainingPictures _clean;
    private readonly CaptionEmbeddings _text;
    private readonly BatchPlan _plan;
    private readonly ForwardProcess _process;
    private readonly ulong _seed;
    private readonly int[] _pictures, _timesteps;
    private readonly int _microBatch;
    private readonly float _share;
    private readonly bool _checkpointing;

    /// <param name="model">The model that is trained.</param>
    /// <param name="count">Pictures in the set.</param>
    /// <param name="options">How.</param>
    /// <param name="clean">The set's pictures.</param>
    /// <param name="text">The set's captions.</param>
    /// <param name="process">The loss.</param>
    public TrainingStep(
        DiffusionModel model, int count, TrainOptions options, TrainingPictures clean, CaptionEmbeddings text, ForwardProcess process)
    {
        (_model, _clean, _text, _seed, _process) = (model, clean, text, options.Seed, process);
        _plan = new BatchPlan(options.Seed, count, options.BatchSize, model.Scheduler.NumTrainTimesteps, options.CaptionDrop);
        _pictures = new int[options.BatchSize];
        _timesteps = new int[options.BatchSize];
        _microBatch = options.BatchSize / options.GradientAccumulation;
        _share = 1f / options.GradientAccumulation;
        _checkpointing = options.ActivationCheckpointing;
    }

    /// <summary>Sets the gradients to their mean over the batch; only issues work.</summary>
    /// <param name="step">Number of the step.</param>
    /// <param name="losses">Gets the loss of each micro-batch.</param>
    public void Compute(int step, Tensor losses)
    {
        _plan.Pictures(step, _pictures);
        _plan.Timesteps(step, _timesteps);
        _model.Trained.ZeroGrad();
        for (int first = 0; first < _pictures.Length; first += _microBatch) AddGradient(step, first, losses.Rows(first / _microBatch, 1));
    }

    private void AddGradient(int step, int first, Tensor loss)
    {
        var pictures = _pictures.AsSpan(first, _microBatch);
        long before = (long)step * _pictures.Length + first;
        using var tape = new Tape(_model.Device, record: true) { Checkpointing = _checkpointing };
        var clean = _clean.Batch(tape, before, pictures);
        for (int i = 0; i < pictures.Length; i++)
        {
            if (_plan.DropsCaption(step, first + i)) pictures[i] = -1;
        }
        var noise = tape.New(clean.Shape);
        Sampling.Normal(noise, _seed, NoiseStream, before * (noise.Count / pictures.Length));
        var timesteps = _timesteps.AsSpan(first, _microBatch);
        var mean = _process.Loss(tape, _model.UNet, clean, noise, timesteps, _text.For(tape, pictures));
        tape.Backward(mean, _share);
        _model.Device.Driver.CopyOnDevice(loss.Pointer, mean.Pointer, loss.Bytes, _model.Device.Stream);
    }
}
