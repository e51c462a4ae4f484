using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Watermark;

/// <summary>Inputs and loss of watermark training.</summary>
internal sealed class WatermarkStep : ITrainingStep
{
    private readonly WatermarkModel _model;
    private readonly WatermarkObjective _objective;
    private readonly WatermarkInputs _inputs;
    private readonly NoiseLayers _noise;
    private readonly TrainOptions _options;
    private readonly Action? _disposeOwned;

    /// <param name="model">The networks.</param>
    /// <param name="data">The pictures.</param>
    /// <param name="objective">The loss.</param>
    /// <param name="through">Model with the autoencoder; null for none.</param>
    /// <param name="options">How.</param>
    /// <param name="disposeOwned">Called last when the step is disposed.</param>
    /// <exception cref="UserException">The batch is smaller than the number of noises.</exception>
    public WatermarkStep(
        WatermarkModel model, TrainingSet data, WatermarkObjective objective, DiffusionModel? through, TrainOptions options, Action? disposeOwned = null)
    {
        (_model, _objective, _options, _disposeOwned, Items) = (model, objective, options, disposeOwned, data.Count);
        int kinds = NoiseLayers.KindsOf(through is not null).Length;
        if (options.BatchSize < kinds)
        {
            disposeOwned?.Invoke();
            throw new UserException($"the batch of {options.BatchSize} pictures is smaller than the {kinds} kinds of noise", $"Take at least {kinds}.")
            {
                Setting = "batch",
            };
        }
        var device = model.Parameters.Device;
        _noise = new NoiseLayers(device, objective, through?.Vae, options);
        _inputs = new WatermarkInputs(device, data, new NoiseDraws(options.Seed, options.BatchSize, model.Config.Size, objective), options.BatchSize);
    }

    public ParameterSet Parameters => _model.Parameters;

    public int Items { get; }

    public long InputBytes => _inputs.Bytes + _noise.Bytes;

    public void Upload(int step, ReadOnlySpan<int> items) => _inputs.Upload(step, items, _noise.Kind);

    public Tensor Loss(Tape tape, MicroBatch batch)
    {
        int step = (int)(batch.Before / _options.BatchSize);
        var pictures = WatermarkModel.FromPixels(tape, _inputs.Pictures(batch));
        var messages = _inputs.Messages(batch);
        var marked = _model.Mark(tape, pictures, messages, _objective.Amplitude(step, _model.Config.Amplitude));
        var loss = tape.BinaryCrossEntropy(_model.Read(tape, _noise.Apply(tape, marked, batch, _inputs)), messages);
        double weight = _objective.Progress(step);
        var picture = tape.Scale(tape.Mse(marked, pictures), (float)(weight * _objective.PictureWeight));
        var similarity = tape.Scale(tape.Offset(tape.StructuralSimilarity(marked, pictures), -1), -(float)(weight * _objective.SimilarityWeight));
        return tape.Add(loss, tape.Add(picture, similarity));
    }

    public void Dispose()
    {
        _inputs.Dispose();
        _noise.Dispose();
        _disposeOwned?.Invoke();
    }
}
