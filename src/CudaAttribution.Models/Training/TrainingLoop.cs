using System.Diagnostics;
using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Training;

/// <summary>
/// Trains a task by AdamW: batches, gradient accumulation, clipping, running average, checkpoints. Every draw is a function of (seed, step), so a run
/// that was stopped and resumed gives the bits of one that never stopped.
/// </summary>
/// <remarks>A step only issues work; the device is waited for when losses are fetched.</remarks>
public sealed class TrainingLoop : IDisposable
{
    private const string LossesName = "losses";

    private readonly ITrainingTask _task;
    private readonly TrainOptions _options;
    private readonly JsonObject _run;
    private readonly List<float> _losses = [];
    private TrainingState? _state;

    /// <summary>Checks and plans a run; nothing is computed yet.</summary>
    /// <param name="task">Its parameters are as before the first step, also for a resume.</param>
    /// <param name="options">How.</param>
    /// <exception cref="ArgumentException">The options make no sense.</exception>
    /// <exception cref="ModelFileException">The checkpoint folder cannot be used.</exception>
    public TrainingLoop(ITrainingTask task, TrainOptions options)
    {
        options.Validate();
        PrepareFolder(options);
        (_task, _options) = (task, options);
        _run = RunDescription.Of(task, options);
        Memory = MemoryPlan.Of(task, options);
    }

    /// <summary>What the run will take of the device's memory.</summary>
    public MemoryPlan Memory { get; }

    /// <summary>Trains to the last step. Afterwards the parameters hold the result: the weights, or their running average where there is one.</summary>
    /// <exception cref="TrainingMemoryException">It does not fit the device's memory or the limit.</exception>
    /// <exception cref="NotFiniteNumberException">The loss or the weights became NaN or infinite; the message names the step.</exception>
    /// <exception cref="ModelFileException">A checkpoint cannot be read or written, or is another run's.</exception>
    /// <exception cref="UserException">Another process trains into the folder of the checkpoints.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; a checkpoint was written where there is a folder for it.</exception>
    public TrainResult Run(Action<TrainProgress>? progress = null, CancellationToken cancel = default)
    {
        if (_state is null) Memory.RequireRoom(_task.Parameters.Device, _options);
        using var claim = _options.CheckpointFolder is { } folder ? Checkpoint.Lock(folder) : null;
        _state ??= new TrainingState(_task.Prepare(_options), _options);
        int first = Start(_state);
        var watch = Stopwatch.StartNew();
        int reported = first;
        double Speed(int done) => (done - first) * (double)_options.BatchSize / Math.Max(watch.Elapsed.TotalSeconds, 1e-9);
        for (int step = first; step < _options.Steps; step++)
        {
            if (cancel.IsCancellationRequested) Stop(_state, step, cancel);
            _state.Step(step);
            int done = step + 1;
            bool last = done == _options.Steps, report = done % _options.ReportInterval == 0 || last;
            bool save = _options.CheckpointInterval > 0 && (done % _options.CheckpointInterval == 0 || last);
            if (report || save) Fetch(_state);
            if (save) Save(_state, done);
            if (!report) continue;
            double loss = _losses.Skip(reported).Average(l => (double)l), speed = Speed(done);
            var remaining = TimeSpan.FromSeconds((_options.Steps - done) * (double)_options.BatchSize / speed);
            progress?.Invoke(new TrainProgress(done, _options.Steps, loss, speed, remaining));
            reported = done;
        }
        RequireFiniteWeights(_state, _options.Steps);
        _state.UseAverage();
        _task.Parameters.Device.Synchronize();
        return new TrainResult(_losses, first, watch.Elapsed.TotalSeconds, Speed(_options.Steps), Memory);
    }

    public void Dispose() => _state?.Dispose();

    /// <summary>Loads the newest checkpoint, if the run may and can go on from one.</summary>
    /// <returns>Steps done.</returns>
    private int Start(TrainingState state)
    {
        _losses.Clear();
        using var checkpoint = _options.Resume ? Checkpoint.Newest(_options.CheckpointFolder!, _run) : null;
        if (checkpoint is not null)
        {
            if (checkpoint.Step > _options.Steps)
            {
                throw new ModelFileException(
                    $"the checkpoint in {_options.CheckpointFolder} has {checkpoint.Step} steps, the run only {_options.Steps}: ask for more "
                    + "steps or use another folder");
            }
            Load(state, checkpoint);
            return checkpoint.Step;
        }
        state.StartAverage();
        return 0;
    }

    private void Load(TrainingState state, Checkpoint checkpoint)
    {
        try
        {
            long steps = state.LoadFrom(checkpoint.State);
            float[] losses = checkpoint.State.Weights.ContainsKey(LossesName) ? checkpoint.State.ReadF32(LossesName) : [];
            if (losses.Length != checkpoint.Step || steps != checkpoint.Step)
            {
                throw new ArgumentException($"it does not hold the state after {checkpoint.Step} steps");
            }
            _losses.AddRange(losses);
        }
        catch (Exception e) when (e is ArgumentException or WeightFileException)
        {
            throw new ModelFileException(
                $"the checkpoint after {checkpoint.Step} steps in {_options.CheckpointFolder} is damaged; remove it to begin anew: {e.Message}",
                e);
        }
    }

    private void Save(TrainingState state, int done)
    {
        RequireFiniteWeights(state, done);
        using var tensors = new TensorState(_options.CheckpointFolder!);
        state.SaveTo(tensors);
        tensors.Add(LossesName, HostTensor.From(_losses.ToArray(), new Shape(done)));
        new Checkpoint(done, _run, tensors).Write(_options.CheckpointFolder!);
    }

    private void Stop(TrainingState state, int done, CancellationToken cancel)
    {
        Fetch(state);
        if (_options.CheckpointFolder is not null && done > 0) Save(state, done);
        cancel.ThrowIfCancellationRequested();
    }

    private void Fetch(TrainingState state)
    {
        foreach (float loss in state.TakeLosses())
        {
            _losses.Add(loss);
            if (!float.IsFinite(loss))
            {
                throw new NotFiniteNumberException(
                    $"the loss of step {_losses.Count} is {loss}: the training diverged; use a smaller learning rate or a longer warm-up");
            }
        }
    }

    private static void RequireFiniteWeights(TrainingState state, int done)
    {
        long broken = state.CountBrokenWeights();
        if (broken > 0)
        {
            throw new NotFiniteNumberException(
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
}
