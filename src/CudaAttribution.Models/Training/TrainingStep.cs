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

    public TrainingStep(
        DiffusionModel model, int count, TrainOptions options, TrainingPictures clean, CaptionEmbeddings text, ForwardProcess process)
    {
        (_model, _clean, _text, _seed, _process) = (model, clean, text, options.Seed, process);
        _plan = new BatchPlan(options.Seed, count, options.BatchSize, model.Scheduler.NumTrainTimesteps, options.CaptionDrop);
        _pictures = new int[options.BatchSize];
        _timesteps = new int[options.BatchSize];
    }

    /// <summary>Sets the gradients and puts the loss into <paramref name="loss"/>, one element; only issues work.</summary>
    public void Compute(int step, Tensor loss)
    {
        int n = _pictures.Length;
        _plan.Pictures(step, _pictures);
        _plan.Timesteps(step, _timesteps);
        using var tape = new Tape(_model.Device, record: true);
        var clean = _clean.Batch(tape, step, _pictures);
        for (int i = 0; i < n; i++)
        {
            if (_plan.DropsCaption(step, i)) _pictures[i] = -1;
        }
        var noise = tape.New(clean.Shape);
        Sampling.Normal(noise, _seed, NoiseStream, (long)step * noise.Count);
        _model.Trained.ZeroGrad();
        var mean = _process.Loss(tape, _model.UNet, clean, noise, tape.Arena.From(_timesteps, new Shape(n)), _text.For(tape, _pictures));
        tape.Backward(mean);
        _model.Device.Driver.CopyOnDevice(loss.Pointer, mean.Pointer, loss.Bytes, _model.Device.Stream);
    }
}

/// <summary>The diffusion loss on a device: q-sample at given timesteps, the UNet, mean-squared error against its target (methods 3.4).</summary>
internal sealed class ForwardProcess : IDisposable
{
    private readonly Arena _arena;
    private readonly Tensor _signal, _sigma;
    private readonly bool _velocity;

    public ForwardProcess(ComputeDevice device, SchedulerConfig config)
    {
        var schedule = new NoiseSchedule(config);
        _arena = new Arena(device);
        _signal = _arena.From(schedule.Signal(), new Shape(schedule.Count));
        _sigma = _arena.From(schedule.Noise(), new Shape(schedule.Count));
        _velocity = config.PredictionType == PredictionType.VPrediction;
    }

    /// <param name="tape">The tape of the step.</param>
    /// <param name="unet">The network.</param>
    /// <param name="clean">x_0, <c>[N,H,W,C]</c>.</param>
    /// <param name="noise">Standard normal, shaped as <paramref name="clean"/>.</param>
    /// <param name="timesteps">I32 <c>[N]</c>.</param>
    /// <param name="text">Text embeddings <c>[N,L,D]</c>.</param>
    /// <returns>The mean-squared error over all elements, <c>[1]</c>.</returns>
    public Tensor Loss(Tape tape, UNet2DConditionModel unet, Tensor clean, Tensor noise, Tensor timesteps, Tensor text)
    {
        var noisy = tape.New(clean.Shape);
        var velocity = _velocity ? tape.New(clean.Shape) : null;
        Sampling.QSample(clean, noise, timesteps, _signal, _sigma, noisy, velocity);
        return tape.Mse(unet.Forward(tape, noisy, timesteps, text), velocity ?? noise);
    }

    public void Dispose() => _arena.Dispose();
}
