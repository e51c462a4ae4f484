using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models;

/// <summary>
/// What a training run has on its device beside the model: what frozen parts made of the training set, the optimiser, the running average and the
/// losses that were not fetched yet. A step only issues work.
/// </summary>
internal sealed class TrainingState : IDisposable
{
    private const string WeightsPrefix = "weights.", OptimizerPrefix = "optimizer.", AveragePrefix = "average.";

    private readonly DiffusionModel _model;
    private readonly TrainOptions _options;
    private readonly Arena _arena;
    private readonly CaptionEmbeddings _text;
    private readonly TrainingPictures _pictures;
    private readonly ForwardProcess _process;
    private readonly TrainingStep _step;
    private readonly AdamW _optimizer;
    private readonly Tensor? _average;
    private readonly Tensor _pending;
    private int _pendingCount;

    /// <summary>
    /// Embeds the captions and encodes the pictures, where the parts that do it are frozen; what a run before did of it is taken from the folder of
    /// the checkpoints.
    /// </summary>
    public TrainingState(DiffusionModel model, TrainingSet data, TrainOptions options)
    {
        (_model, _options, _arena) = (model, options, new Arena(model.Device));
        var parameters = model.Trained;
        _text = new CaptionEmbeddings(model, data.Captions, model.Use != ModelUse.TrainAll, options.CheckpointFolder);
        _pictures = new TrainingPictures(model, data, options.Seed, options.CheckpointFolder);
        model.Device.Pool.Trim(); // The sizes that encoding took are none that a step asks for.
        _process = new ForwardProcess(model.Device, model.Scheduler, options.MinSnrGamma);
        _step = new TrainingStep(model, data.Count, options, _pictures, _text, _process);
        _optimizer = new AdamW(parameters, options.Optimizer);
        _average = options.EmaDecay > 0 ? _arena.New(parameters.Values.Shape) : null;
        _pending = _arena.New(new Shape(options.ReportInterval, options.GradientAccumulation));
    }

    /// <summary>Device memory of the running average.</summary>
    public long AverageBytes => _average?.Bytes ?? 0;

    /// <summary>Device memory of what was made of the training set.</summary>
    public long InputBytes => _text.Bytes + _pictures.Bytes;

    /// <summary>Lets the running average begin from the weights.</summary>
    public void StartAverage()
    {
        _pendingCount = 0;
        if (_average is not null) Copy(_model.Trained.Values, _average);
    }

    /// <summary>One step of the optimiser.</summary>
    /// <param name="step">Its number, from 0.</param>
    public void Step(int step)
    {
        _step.Compute(step, _pending.Rows(_pendingCount++, 1).View(_options.GradientAccumulation));
        double warm = _options.WarmupSteps == 0 ? 1 : Math.Min(1, (step + 1.0) / _options.WarmupSteps);
        _optimizer.Update(_options.LearningRate * warm, _options.MaxGradientNorm > 0 ? (float)_options.MaxGradientNorm : float.PositiveInfinity);
        // The average follows quickly at first, or a short run would mostly return its starting weights.
        if (_average is not null) Optim.EmaStep(_average, _model.Trained.Values, Math.Min(_options.EmaDecay, (step + 1.0) / (step + 10.0)));
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
    public long CountBrokenWeights() => Elementwise.CountNonFinite(_model.Trained.Values);

    /// <summary>Puts the running average, where there is one, in place of the weights.</summary>
    public void UseAverage()
    {
        if (_average is not null) Copy(_average, _model.Trained.Values);
    }

    /// <summary>Adds every tensor that a later <see cref="LoadFrom"/> goes on from.</summary>
    public void SaveTo(TensorState state)
    {
        _model.Trained.SaveTo(state, WeightsPrefix);
        _optimizer.SaveTo(state, OptimizerPrefix);
        if (_average is not null) _model.Trained.SaveTo(state, AveragePrefix, _average);
    }

    /// <summary>Goes on from a saved state.</summary>
    /// <returns>Steps of the optimiser so far.</returns>
    /// <exception cref="ArgumentException">A tensor is missing or does not fit.</exception>
    /// <exception cref="WeightFileException">The state cannot be read.</exception>
    public long LoadFrom(IWeightSource state)
    {
        _pendingCount = 0;
        _model.Trained.LoadFrom(state, WeightsPrefix);
        _optimizer.LoadFrom(state, OptimizerPrefix);
        if (_average is not null) _model.Trained.LoadFrom(state, AveragePrefix, _average);
        return _optimizer.Step;
    }

    public void Dispose()
    {
        _process.Dispose();
        _pictures.Dispose();
        _text.Dispose();
        _optimizer.Dispose();
        _arena.Dispose();
    }

    private static void Copy(Tensor source, Tensor destination) =>
        source.Device.Driver.CopyOnDevice(destination.Pointer, source.Pointer, source.Bytes, source.Device.Stream);
}
