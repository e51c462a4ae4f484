using System.Text.Json.Nodes;
using CudaAttribution.Images;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Descriptors;

/// <summary>Training of a descriptor: two views of each picture of a batch are near each other and far from all views of other pictures.</summary>
public sealed class DescriptorTask : ITrainingTask
{
    private readonly SscdModel _model;
    private readonly TrainingSet _data;
    private readonly IAugmentation _augmentation;
    private readonly DescriptorObjective _objective;

    /// <param name="model">From <see cref="SscdModel.Create"/>, as it is before the first step, also for a resume.</param>
    /// <param name="data">The pictures; captions are not looked at.</param>
    /// <param name="augmentation">Makes the views.</param>
    /// <param name="objective">The loss; null for the defaults.</param>
    /// <exception cref="ArgumentException">There is one picture only.</exception>
    /// <exception cref="InvalidOperationException">The model was loaded, not made to be trained.</exception>
    public DescriptorTask(SscdModel model, TrainingSet data, IAugmentation augmentation, DescriptorObjective? objective = null)
    {
        (_model, _data, _augmentation, _objective) = (model, data, augmentation, objective ?? new DescriptorObjective());
        _objective.Validate();
        if (data.Count < 2) throw new ArgumentException("one picture has no other to be told from", nameof(data));
        _ = model.Parameters.Gradients;
    }

    public ParameterSet Parameters => _model.Parameters;

    public long WeightBytes => _model.Parameters.Bytes;

    public JsonObject Describe()
    {
        var description = new JsonObject
        {
            ["start"] = _model.Identity(), ["data"] = _data.Hash(), ["trains"] = "descriptor", ["augmentation"] = _augmentation.Description,
        };
        _objective.Describe(description);
        return description;
    }

    public ITrainingStep Prepare(TrainOptions options) => new DescriptorStep(_model, _data, _augmentation, _objective, options);

    public ITrainingStep Plan(TrainOptions options, ComputeDevice device)
    {
        var planned = _model.Planned(device);
        return new DescriptorStep(planned, _data, _augmentation, _objective, options, owned: planned);
    }
}
