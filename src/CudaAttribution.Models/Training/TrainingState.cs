using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Training;

/// <summary>
/// What a training run has on its device beside the model: its inputs, the optimiser, the running average and the losses that were not fetched yet.
/// </summary>
internal sealed class TrainingState : IDisposable
{
    private const string WeightsPrefix = "weights.", OptimizerPrefix = "optimizer.", AveragePrefix = "average.";

    private readonly ParameterSet _trained;
    private readonly TrainOptions _options;
    private readonly Arena _arena;
    private readonly ITrainingStep _step;
    private readonly BatchOrder _order;
    private readonly int[] _items;
    private readonly AdamW _optimizer;
    private readonly Tensor? _average;
    private readonly Tensor _pending;
    private int _pendingCount;

    /// <param name="step">Inputs and loss; disposed with the state.</param>
    /// <param name="options">How.</param>
    public TrainingState(ITrainingStep step, TrainOptions options)
    {
        (_trained, _step, _options, _arena) = (step.Parameters, step, options, new Arena(step.Parameters.Device));
        (_order, _items) = (new BatchOrder(options.Seed, step.Items), new int[options.BatchSize]);
        _optimizer = new AdamW(_trained, options.Optimizer, options.Groups);
        _average = options.EmaDecay > 0 ? _arena.New(_trained.Values.Shape) : null;
        _pending = _arena.New(new Shape(options.ReportInterval, options.GradientAccumulation));
    }

    /// <summary>Device memory of the running average.</summary>
    public long AverageBytes => _average?.Bytes ?? 0;

    /// <inheritdoc cref="ITrainingStep.InputBytes"/>
    public long InputBytes => _step.InputBytes;

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
    public void Upload(int step)
    {
        _order.Items(step, _items);
        _step.Upload(step, _items);
    }

    /// <summary>The rest of the step; only issues work, so it can be recorded in a graph and replayed on other uploaded inputs.</summary>
    /// <remarks>
    /// A recorded step keeps what depends on its number and is an argument of a kernel or a copy: the offsets of its noise and its latents in their
    /// Philox streams, AdamW's factors (learning rate, bias corrections), the decay of the running average, and the row that the losses go to. One
    /// graph can serve all steps only when these are read from device memory.
    /// </remarks>
    public void Compute(int step)
    {
        Differentiate(step, _pending.Rows(_pendingCount++, 1).View(_options.GradientAccumulation));
        double warm = _options.WarmupSteps == 0 ? 1 : Math.Min(1, (step + 1.0) / _options.WarmupSteps);
        _optimizer.Update(_options.LearningRate * warm, _options.MaxGradientNorm > 0 ? (float)_options.MaxGradientNorm : float.PositiveInfinity);
        // The average follows quickly at first, or a short run would mostly return its starting weights.
        if (_average is not null) Optim.EmaStep(_average, _trained.Values, Math.Min(_options.EmaDecay, (step + 1.0) / (step + 10.0)));
    }

    /// <summary>Sets the gradients to their mean over the batch that was uploaded; only issues work.</summary>
    /// <param name="step">Number of the step.</param>
    /// <param name="losses">Gets the loss of each micro-batch.</param>
    public void Differentiate(int step, Tensor losses)
    {
        _trained.ZeroGrad();
        int parts = _options.GradientAccumulation, count = _options.BatchSize / parts;
        for (int part = 0; part < parts; part++)
        {
            using var tape = new Tape(_trained.Device, record: true) { Recomputes = _options.ActivationCheckpointing };
            int first = part * count;
            var loss = _step.Loss(tape, new MicroBatch(((long)step * _options.BatchSize) + first, first, count));
            tape.Backward(loss, 1f / parts);
            losses.Rows(part, 1).CopyFrom(loss);
        }
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
        _step.Dispose();
        _optimizer.Dispose();
        _arena.Dispose();
    }
}
