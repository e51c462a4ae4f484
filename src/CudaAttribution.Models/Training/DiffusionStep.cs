using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Training;

/// <summary>Inputs and loss of diffusion training.</summary>
internal sealed class DiffusionStep : ITrainingStep
{
    private static readonly ulong NoiseStream = Philox.Stream("train.noise");

    private readonly UNet2DConditionModel _unet;
    private readonly IDiffusionInputs _inputs;
    private readonly ForwardProcess _process;
    private readonly ulong _seed;
    private readonly IDisposable? _owned;

    /// <param name="unet">The network.</param>
    /// <param name="trained">The parameters that get gradients.</param>
    /// <param name="scheduler">Noise schedule and target.</param>
    /// <param name="inputs">What it is trained on; disposed with the step.</param>
    /// <param name="minSnrGamma">As <see cref="DiffusionObjective.MinSnrGamma"/>.</param>
    /// <param name="options">How.</param>
    /// <param name="owned">Disposed last; null for nothing.</param>
    public DiffusionStep(
        UNet2DConditionModel unet, ParameterSet trained, SchedulerConfig scheduler, IDiffusionInputs inputs, double minSnrGamma, TrainOptions options,
        IDisposable? owned = null)
    {
        (_unet, Parameters, _inputs, _seed, _owned) = (unet, trained, inputs, options.Seed, owned);
        _process = new ForwardProcess(trained.Device, scheduler, minSnrGamma, options.BatchSize / options.GradientAccumulation);
    }

    /// <summary>Training of a model on a set of pictures.</summary>
    public DiffusionStep(DiffusionModel model, TrainingSet data, DiffusionObjective objective, TrainOptions options, IDisposable? owned = null)
        : this(
            model.UNet, model.Trained, model.Scheduler, new DiffusionInputs(model, data, objective.CaptionDrop, options), objective.MinSnrGamma,
            options, owned)
    {
    }

    public ParameterSet Parameters { get; }

    public int Items => _inputs.Pictures;

    public long InputBytes => _inputs.Bytes;

    public void Upload(int step, ReadOnlySpan<int> items) => _inputs.Upload(step, items);

    public Tensor Loss(Tape tape, MicroBatch batch)
    {
        var clean = _inputs.Clean(tape, batch);
        var noise = tape.New(clean.Shape);
        RandomNumbers.Normal(noise, _seed, NoiseStream, batch.Before * (noise.Count / batch.Count));
        return _process.Loss(tape, _unet, clean, noise, _inputs.Timesteps(batch), _inputs.Text(tape, batch));
    }

    public void Dispose()
    {
        _process.Dispose();
        _inputs.Dispose();
        _owned?.Dispose();
    }
}
