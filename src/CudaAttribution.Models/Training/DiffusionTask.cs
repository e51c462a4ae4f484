using System.Text.Json.Nodes;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Training;

/// <summary>
/// Training of a diffusion model on captioned pictures: a uniform timestep and normal noise for each picture, mean-squared error against noise or
/// velocity.
/// </summary>
public sealed class DiffusionTask : ITrainingTask
{
    private readonly DiffusionModel _model;
    private readonly TrainingSet _data;
    private readonly DiffusionObjective _objective;

    /// <param name="model">Opened for training, as it is before the first step, also for a resume.</param>
    /// <param name="data">The pictures, of the model's size.</param>
    /// <param name="objective">The loss; null for the defaults.</param>
    /// <exception cref="ArgumentException">The model, the data and the objective do not fit together.</exception>
    /// <exception cref="InvalidOperationException">The model was opened for sampling.</exception>
    public DiffusionTask(DiffusionModel model, TrainingSet data, DiffusionObjective? objective = null)
    {
        (_model, _data, _objective) = (model, data, objective ?? new DiffusionObjective());
        _objective.Validate();
        _ = model.Trained;
        int size = model.PictureSize;
        if (data.Height != size || data.Width != size)
        {
            throw new ArgumentException($"the pictures are {data.Height}x{data.Width}, the model takes {size}x{size}", nameof(data));
        }
    }

    public ParameterSet Parameters => _model.Trained;

    public long WeightBytes => _model.WeightBytes;

    public JsonObject Describe()
    {
        var description = new JsonObject
        {
            ["start"] = _model.WeightsHash(),
            ["data"] = _data.Hash(),
            ["trains"] = _model.Use.ToString(),
            ["prediction_type"] = _model.Scheduler.PredictionType.ToString(),
            ["caption_drop"] = _objective.CaptionDrop,
        };
        // Checkpoints of runs without these never named them.
        if (_objective.MinSnrGamma != 0) description["min_snr_gamma"] = _objective.MinSnrGamma;
        if (_model.Adapter?.Options is { } lora)
        {
            description["adapter"] = new JsonObject { ["rank"] = lora.Rank, ["factor"] = lora.Factor, ["seed"] = lora.Seed };
        }
        return description;
    }

    public ITrainingStep Prepare(TrainOptions options) => new DiffusionStep(_model, _data, _objective, options);

    public ITrainingStep Plan(TrainOptions options, ComputeDevice device)
    {
        var planned = _model.Planned(device);
        return new DiffusionStep(planned, _data, _objective, options, owned: planned);
    }
}

/// <summary>What diffusion training minimises.</summary>
public sealed record DiffusionObjective
{
    /// <summary>Probability that a picture is trained with the empty caption, which makes guidance possible.</summary>
    public double CaptionDrop { get; init; } = 0.1;

    /// <summary>
    /// γ of Min-SNR weighting (Hang et al. 2023): a sample's loss counts min(SNR, γ)/SNR times for a model that predicts noise, min(SNR, γ)/(SNR + 1)
    /// times for one that predicts velocity, SNR being that of its timestep; 5 is usual. 0 weights all alike.
    /// </summary>
    public double MinSnrGamma { get; init; }

    /// <exception cref="CudaAttribution.Runs.UserException">A value makes no sense; the message names it.</exception>
    public void Validate()
    {
        TrainOptions.Require(CaptionDrop is >= 0 and <= 1, nameof(CaptionDrop), CaptionDrop, "in [0, 1]");
        TrainOptions.Require(MinSnrGamma >= 0 && double.IsFinite(MinSnrGamma), nameof(MinSnrGamma), MinSnrGamma, "zero or positive");
    }
}
