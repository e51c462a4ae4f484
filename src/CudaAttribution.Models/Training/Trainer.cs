using System.Diagnostics;
using System.Text.Json.Nodes;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models;

/// <summary>
/// Trains a diffusion model on captioned pictures: a uniform timestep and normal noise for each picture, mean-squared error against noise or
/// velocity, AdamW (methods 3.4). Every draw is a function of (seed, step), so a run that was stopped and resumed gives the bits of one that never
/// stopped.
/// </summary>
/// <remarks>A step only issues work; the device is waited for when losses are fetched.</remarks>
public sealed class Trainer : IDisposable
{
    private const string WeightsPrefix = "weights.", OptimizerPrefix = "optimizer.", AveragePrefix = "average.", LossesName = "losses";

    private readonly DiffusionModel _model;
    private readonly TrainOptions _options;
    private readonly JsonObject _run;
    private readonly Arena _arena;
    private readonly AdamW _optimizer;
    private readonly CaptionEmbeddings _text;
    private readonly ForwardProcess _process;
    private readonly TrainingPictures _pictures;
    private readonly TrainingStep _step;
    private readonly Tensor? _average;
    private readonly Tensor _pending;
    private readonly List<float> _losses = [];
    private int _pendingCount;
    private long _stepBytes;

    /// <summary>Prepares a run; with a frozen text encoder, embeds every caption.</summary>
    /// <param name="model">Opened for training, as it is before the first step, also for a resume.</param>
    /// <param name="data">The pictures, of the model's size.</param>
    /// <param name="options">How.</param>
    /// <exception cref="ArgumentException">The model, the data and the options do not fit together.</exception>
    /// <exception cref="ModelFileException">The checkpoint folder cannot be used.</exception>
    public Trainer(DiffusionModel model, TrainingSet data, TrainOptions options)
    {
        options.Validate();
        var parameters = model.Trained;
        int size = model.PictureSize;
        if (data.Height != size || data.Width != size)
        {
            throw new ArgumentException($"the pictures are {data.Height}x{data.Width}, the model takes {size}x{size}", nameof(data));
        }
        PrepareFolder(options);
        (_model, _options) = (model, options);
        _run = Describe(model, data, options);
        _arena = new Arena(model.Device);
        _optimizer = new AdamW(parameters, options.Optimizer);
        _text = new CaptionEmbeddings(model, data.Captions, frozen: model.Use != ModelUse.TrainAll);
        _process = new ForwardProcess(model.Device, model.Scheduler);
        _pictures = new TrainingPictures(model, data, options.Seed);
        _step = new TrainingStep(model, data.Count, options, _pictures, _text, _process);
        _average = options.EmaDecay > 0 ? _arena.New(parameters.Values.Shape) : null;
        _pending = _arena.New(new Shape(options.ReportInterval, options.GradientAccumulation));
    }

    /// <summary>Where the device memory goes; complete after the first step.</summary>
    public MemoryPlan Memory => new(
        _model.WeightBytes, _model.Trained.Gradients.Bytes, 2 * _model.Trained.Values.Bytes, _average?.Bytes ?? 0,
        _text.Bytes + _pictures.Bytes, _stepBytes);

    /// <summary>Trains to the last step. Afterwards the model holds the result: the weights, or their running average where there is one.</summary>
    /// <exception cref="ArithmeticException">The loss or the weights became NaN or infinite; the message names the step.</exception>
    /// <exception cref="ModelFileException">A checkpoint cannot be read or written, or is another run's.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; a checkpoint was written where there is a folder for it.</exception>
    public TrainResult Run(Action<TrainProgress>? progress = null, CancellationToken cancel = default)
    {
        int first = Start();
        var watch = Stopwatch.StartNew();
        int reported = first;
        double Speed(int done) => (done - first) * (double)_options.BatchSize / Math.Max(watch.Elapsed.TotalSeconds, 1e-9);
        for (int step = first; step < _options.Steps; step++)
        {
            if (cancel.IsCancellationRequested) Stop(step, cancel);
            Compute(step);
            int done = step + 1;
            bool last = done == _options.Steps, report = done % _options.ReportInterval == 0 || last;
            bool save = _options.CheckpointInterval > 0 && (done % _options.CheckpointInterval == 0 || last);
            if (report || save) Fetch();
            if (save) Save(done);
            if (!report) continue;
            double loss = _losses.Skip(reported).Average(l => (double)l), speed = Speed(done);
            var remaining = TimeSpan.FromSeconds((_options.Steps - done) * (double)_options.BatchSize / speed);
            progress?.Invoke(new TrainProgress(done, _options.Steps, loss, speed, remaining));
            reported = done;
        }
        RequireFiniteWeights(_options.Steps);
        if (_average is not null) Copy(_average, _model.Trained.Values);
        _model.Device.Synchronize();
        return new TrainResult(_losses, first, watch.Elapsed.TotalSeconds, Speed(_options.Steps), Memory);
    }

    public void Dispose()
    {
        _process.Dispose();
        _pictures.Dispose();
        _text.Dispose();
        _optimizer.Dispose();
        _arena.Dispose();
    }

    private void Compute(int step)
    {
        long before = _model.Device.Pool.InUse;
        _step.Compute(step, _pending.Rows(_pendingCount++, 1).View(_options.GradientAccumulation));
        if (_stepBytes == 0) _stepBytes = Math.Max(0, _model.Device.Pool.Peak - before);
        double warm = _options.WarmupSteps == 0 ? 1 : Math.Min(1, (step + 1.0) / _options.WarmupSteps);
        _optimizer.Update(_options.LearningRate * warm, _options.MaxGradientNorm > 0 ? (float)_options.MaxGradientNorm : float.PositiveInfinity);
        // The average follows quickly at first, or a short run would mostly return its starting weights.
        if (_average is not null) Optim.EmaStep(_average, _model.Trained.Values, Math.Min(_options.EmaDecay, (step + 1.0) / (step + 10.0)));
    }

    /// <summary>Loads the newest checkpoint, if the run may and can go on from one.</summary>
    /// <returns>Steps done.</returns>
    private int Start()
    {
        _losses.Clear();
        _pendingCount = 0;
        if (_options.Resume && Checkpoint.Newest(_options.CheckpointFolder!, _run) is { } checkpoint)
        {
            if (checkpoint.Step > _options.Steps)
            {
                throw new ModelFileException(
                    $"the checkpoint in {_options.CheckpointFolder} has {checkpoint.Step} steps, the run only {_options.Steps}: ask for more "
                    + "steps or use another folder");
            }
            Load(checkpoint);
            return checkpoint.Step;
        }
        if (_average is not null) Copy(_model.Trained.Values, _average);
        return 0;
    }

    private void Load(Checkpoint checkpoint)
    {
        try
        {
            _model.Trained.LoadFrom(checkpoint.State, WeightsPrefix);
            _optimizer.LoadFrom(checkpoint.State, OptimizerPrefix);
            if (_average is not null) _model.Trained.LoadFrom(checkpoint.State, AveragePrefix, _average);
            if (!checkpoint.State.TryGetValue(LossesName, out var losses) || losses.Count != checkpoint.Step || _optimizer.Step != checkpoint.Step)
            {
                throw new ArgumentException($"it does not hold the state after {checkpoint.Step} steps");
            }
            _losses.AddRange(losses.ToF32());
        }
        catch (ArgumentException e)
        {
            throw new ModelFileException(
                $"the checkpoint after {checkpoint.Step} steps in {_options.CheckpointFolder} is damaged; remove it to begin anew: {e.Message}",
                e);
        }
    }

    private void Save(int done)
    {
        RequireFiniteWeights(done);
        var state = new Dictionary<string, HostTensor>(StringComparer.Ordinal);
        _model.Trained.SaveTo(state, WeightsPrefix);
        _optimizer.SaveTo(state, OptimizerPrefix);
        if (_average is not null) _model.Trained.SaveTo(state, AveragePrefix, _average);
        state.Add(LossesName, HostTensor.From(_losses.ToArray(), new Shape(done)));
        new Checkpoint(done, _run, state).Write(_options.CheckpointFolder!);
    }

    private void Stop(int done, CancellationToken cancel)
    {
        Fetch();
        if (_options.CheckpointFolder is not null && done > 0) Save(done);
        cancel.ThrowIfCancellationRequested();
    }

    private void Fetch()
    {
        if (_pendingCount == 0) return;
        var losses = _pending.Rows(0, _pendingCount).ToArray<float>().Chunk(_options.GradientAccumulation);
        _pendingCount = 0;
        foreach (float[] parts in losses)
        {
            float loss = (float)parts.Average(l => (double)l);
            _losses.Add(loss);
            if (!float.IsFinite(loss))
            {
                throw new ArithmeticException(
                    $"the loss of step {_losses.Count} is {loss}: the training diverged; use a smaller learning rate or a longer warm-up");
            }
        }
    }

    private void RequireFiniteWeights(int done)
    {
        long broken = Elementwise.CountNonFinite(_model.Trained.Values);
        if (broken > 0)
        {
            throw new ArithmeticException(
                $"{broken} weights are NaN or infinite after step {done}: the training diverged; use a smaller learning rate or a longer warm-up");
        }
    }

    private static void PrepareFolder(TrainOptions options)
    {
        if (options.CheckpointFolder is not { } folder) return;
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException($"the checkpoint folder {folder} cannot be made: {e.Message}", e);
        }
        if (!options.Resume && Checkpoint.Any(folder))
        {
            throw new ModelFileException($"{folder} has checkpoints of an earlier run: resume it, or use another folder");
        }
    }

    /// <summary>What decides the result, the number of steps aside: a run may be continued beyond where it was to end.</summary>
    private static JsonObject Describe(DiffusionModel model, TrainingSet data, TrainOptions o)
    {
        var run = Settings(model, data, o);
        var operands = model.Device.Math.Operands;
        if (operands != DType.F32) run["products"] = operands.ToString(); // checkpoints of F32 runs never named it
        return JsonNode.Parse(run.ToJsonString())!.AsObject();
    }

    private static JsonObject Settings(DiffusionModel model, TrainingSet data, TrainOptions o) => new()
    {
        ["start"] = model.WeightsHash(),
        ["data"] = data.Hash(),
        ["trains"] = model.Use.ToString(),
        ["prediction_type"] = model.Scheduler.PredictionType.ToString(),
        ["batch_size"] = o.BatchSize,
        ["gradient_accumulation"] = o.GradientAccumulation,
        ["learning_rate"] = o.LearningRate,
        ["warmup_steps"] = o.WarmupSteps,
        ["beta1"] = o.Optimizer.Beta1,
        ["beta2"] = o.Optimizer.Beta2,
        ["epsilon"] = o.Optimizer.Epsilon,
        ["weight_decay"] = o.Optimizer.WeightDecay,
        ["max_gradient_norm"] = o.MaxGradientNorm,
        ["caption_drop"] = o.CaptionDrop,
        ["ema_decay"] = o.EmaDecay,
        ["seed"] = o.Seed,
    };

    private static void Copy(Tensor source, Tensor destination) =>
        source.Device.Driver.CopyOnDevice(destination.Pointer, source.Pointer, source.Bytes, source.Device.Stream);
}
