using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Training;

/// <summary>
/// What a training run has on its device beside the model: its inputs, the optimiser, the running average and the losses that were not fetched yet.
/// A step only issues work.
/// </summary>
internal sealed class TrainingState : IDisposable
{
    private const string WeightsPrefix = "weights.", OptimizerPrefix = "optimizer.", AveragePrefix = "average.";

    private readonly ParameterSet _trained;
    private readonly TrainOptions _options;
    private readonly Arena _arena;
    private readonly ITrainingInputs _inputs;
    private readonly ForwardProcess _process;
    private readonly TrainingStep _step;
    private readonly AdamW _optimizer;
    private readonly Tensor? _average;
    private readonly Tensor _pending;
    private int _pendingCount;

    /// <summary>Training of a model on a set of pictures; see <see cref="TrainingInputs"/>.</summary>
    public TrainingState(DiffusionModel model, TrainingSet data, TrainOptions options)
        : this(model.UNet, model.Trained, model.Scheduler, new TrainingInputs(model, data, options), options)
    {
    }

    /// <param name="unet">The network.</param>
    /// <param name="trained">The parameters that are trained.</param>
    /// <param name="scheduler">Noise schedule and target.</param>
    /// <param name="inputs">What it is trained on; disposed with the state.</param>
    /// <param name="options">How.</param>
    public TrainingState(
        UNet2DConditionModel unet, ParameterSet trained, SchedulerConfig scheduler, ITrainingInputs inputs, TrainOptions options)
    {
        (_trained, _inputs, _options, _arena) = (trained, inputs, options, new Arena(trained.Device));
        _process = new ForwardProcess(trained.Device, scheduler, options.MinSnrGamma, options.BatchSize / options.GradientAccumulation);
        _step = new TrainingStep(unet, trained, inputs, _process, options);
        _optimizer = new AdamW(trained, options.Optimizer);
        _average = options.EmaDecay > 0 ? _arena.New(trained.Values.Shape) : null;
        _pending = _arena.New(new Shape(options.ReportInterval, options.GradientAccumulation));
    }

    /// <summary>Device memory of the running average.</summary>
    public long AverageBytes => _average?.Bytes ?? 0;

    /// <summary>Device memory of what was made of the training set, and of a step's batch.</summary>
    public long InputBytes => _inputs.Bytes;

    /// <summary>Lets the running average begin from the weights.</summary>
    public void StartAverage()
    {
        _pendingCount = 0;
        if (_average is not null) _average.CopyFrom(_trained.Values);
    }

    /// <summary>One step of the optimiser.</summary>
    /// <param name="step">Its number, from 0.</param>
    public void Step(int step)
    {
        Upload(step);
        Compute(step);
    }

    /// <summary>What a step needs of the host: all of its copies to the device.</summary>
    public void Upload(int step) => _inputs.Upload(step);

    /// <summary>The rest of the step; only issues work, so it can be recorded in a graph and replayed on other uploaded inputs.</summary>
    /// <remarks>
    /// A recorded step keeps what depends on its number and is an argument of a kernel or a copy: the offsets of its noise and its latents in their
    /// Philox streams, AdamW's factors (learning rate, bias corrections), the decay of the running average, and the row that the losses go to. One
    /// graph can serve all steps only when these are read from device memory.
    /// </remarks>
    public void Compute(int step)
    {
        _step.Compute(step, _pending.Rows(_pendingCount++, 1).View(_options.GradientAccumulation));
        double warm = _options.WarmupSteps == 0 ? 1 : Math.Min(1, (step + 1.0) / _options.WarmupSteps);
        _optimizer.Update(_options.LearningRate * warm, _options.MaxGradientNorm > 0 ? (float)_options.MaxGradientNorm : float.PositiveInfinity);
        // The average follows quickly at first, or a short run would mostly return its starting weights.
        if (_average is not null) Optim.EmaStep(_average, _trained.Values, Math.Min(_options.EmaDecay, (step + 1.0) / (step + 10.0)));
    }

    /// <summary>The losses of the steps since the last call, each the mean over its micro-batches. Waits for the device.</summary>
    public float[] TakeLosses()
    {
        if (_pendingCount == 0) return [];
        var losses = _pending.Rows(0, _pendingCount).ToArray<float>().Chunk(_options.GradientAccumulation);
        _pendingCount = 0;
        return [.. losses.Select(parts => (float)parts.Average(l => (double)l))];
    }

    /// <summary>How many weights are NaN or infinite. Waits for the device.</summary>
    public long CountBrokenWeights() => Elementwise.CountNonFinite(_trained.Values);

    /// <summary>Puts the running average, where there is one, in place of the weights.</summary>
    public void UseAverage()
    {
        if (_average is not null) _trained.Values.CopyFrom(_average);
    }

    /// <summary>Adds every tensor that a later <see cref="LoadFrom"/> goes on from.</summary>
    public void SaveTo(TensorState state)
    {
        _trained.SaveTo(state, WeightsPrefix);
        _optimizer.SaveTo(state, OptimizerPrefix);
        if (_average is not null) _trained.SaveTo(state, AveragePrefix, _average);
    }

    /// <summary>Goes on from a saved state.</summary>
    /// <returns>Steps of the optimiser so far.</returns>
    /// <exception cref="ArgumentException">A tensor is missing or does not fit.</exception>
    /// <exception cref="WeightFileException">The state cannot be read.</exception>
    public long LoadFrom(IWeightSource state)
    {
        _pendingCount = 0;
        _trained.LoadFrom(state, WeightsPrefix);
        _optimizer.LoadFrom(state, OptimizerPrefix);
        if (_average is not null) _trained.LoadFrom(state, AveragePrefix, _average);
        return _optimizer.Step;
    }

    public void Dispose()
    {
        _process.Dispose();
        _inputs.Dispose();
        _optimizer.Dispose();
        _arena.Dispose();
    }
}
