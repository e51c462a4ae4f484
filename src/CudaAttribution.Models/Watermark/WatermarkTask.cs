using System.Text.Json;
using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Watermark;

/// <summary>Training of a watermark's two networks together, through noise, on pictures without captions.</summary>
public sealed class WatermarkTask : ITrainingTask
{
    private readonly WatermarkModel _model;
    private readonly TrainingSet _data;
    private readonly WatermarkObjective _objective;
    private readonly DiffusionModel? _through;

    /// <param name="model">From <see cref="WatermarkModel.Create"/>, as it is before the first step, also for a resume.</param>
    /// <param name="data">Pictures of its size; captions are not used.</param>
    /// <param name="objective">The loss; null for the defaults.</param>
    /// <param name="through">A model whose autoencoder is one of the noises, on the same device; null for none.</param>
    /// <exception cref="ArgumentException">Model, data, objective and autoencoder do not fit together.</exception>
    public WatermarkTask(WatermarkModel model, TrainingSet data, WatermarkObjective? objective = null, DiffusionModel? through = null)
    {
        (_model, _data, _objective, _through) = (model, data, objective ?? new WatermarkObjective(), through);
        _objective.Validate();
        int size = model.Config.Size;
        if (data.Height != size || data.Width != size)
            throw new ArgumentException($"the pictures are {data.Height}x{data.Width}, the watermark is for {size}x{size}", nameof(data));
        if (!model.Parameters.Trainable) throw new ArgumentException("the model was loaded to mark and read with", nameof(model));
        if (through is null) return;
        if (through.Vae is not { } vae) throw new ArgumentException("the model to go through has no autoencoder: it works on pixels", nameof(through));
        if (size % (1 << vae.Config.Halvings) != 0)
            throw new ArgumentException($"the autoencoder takes sides divisible by {1 << vae.Config.Halvings}, the watermark is for {size}x{size}", nameof(through));
        if (!ReferenceEquals(through.Device, model.Parameters.Device)) throw new ArgumentException("the autoencoder is on another device", nameof(through));
    }

    public ParameterSet Parameters => _model.Parameters;

    public long WeightBytes => _model.Bytes + (_through?.WeightBytes ?? 0);

    public JsonObject Describe()
    {
        var description = new JsonObject
        {
            ["start"] = _model.WeightsHash(),
            ["data"] = _data.Hash(),
            ["watermark"] = JsonSerializer.SerializeToNode(_model.Config, ConfigJson.Options),
            ["objective"] = JsonSerializer.SerializeToNode(_objective, ConfigJson.Options),
        };
        if (_through is not null) description["autoencoder"] = _through.WeightsHash(ComponentFolder.Vae);
        return description;
    }

    public ITrainingStep Prepare(TrainOptions options) => new WatermarkStep(_model, _data, _objective, _through, options);

    public ITrainingStep Plan(TrainOptions options, ComputeDevice device)
    {
        var model = WatermarkModel.Create(_model.Config, device, seed: 0);
        var through = _through?.Planned(device);
        return new WatermarkStep(model, _data, _objective, through, options, () =>
        {
            through?.Dispose();
            model.Dispose();
        });
    }
}
