using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Layers;

/// <summary>
/// Batch norm over the channel axis, with running statistics as buffers: <c>running_mean</c>, <c>running_var</c> and <c>num_batches_tracked</c>, which
/// files before PyTorch 0.4 lack.
/// </summary>
public sealed class BatchNormLayer
{
    private readonly string _name;
    private readonly Tensor _weight, _bias;
    private readonly RunningStatistics _running;
    private readonly float _eps, _momentum;

    /// <param name="p">Where its parameters and buffers are registered.</param>
    /// <param name="channels">C.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="momentum">Weight of a batch in the running statistics.</param>
    public BatchNormLayer(ParameterScope p, int channels, float eps = 1e-5f, float momentum = 0.1f)
    {
        _weight = p.Constant("weight", new Shape(channels), 1);
        _bias = p.Constant("bias", new Shape(channels), 0);
        _running = new RunningStatistics(
            p.Buffer("running_mean", new Shape(channels)), p.Buffer("running_var", new Shape(channels), start: 1),
            p.Buffer("num_batches_tracked", [], DType.I64, optional: true));
        (_name, _eps, _momentum) = (p.Name, eps, momentum);
    }

    /// <summary>x <c>[...,C]</c> to the same shape.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Input.</param>
    /// <param name="mode">Training normalises by the batch and moves the running statistics; evaluation normalises by them.</param>
    public Tensor Forward(Tape tape, Tensor x, NetworkMode mode) => tape.Trace(
        _name,
        mode == NetworkMode.Training
            ? tape.BatchNormTrain(x, _weight, _bias, _running, _eps, _momentum)
            : tape.BatchNormEval(x, _weight, _bias, _running, _eps));
}

/// <summary>What a network with buffers is run for; said with each run, so that none depends on the run before it.</summary>
public enum NetworkMode
{
    /// <summary>Every sample is treated alone and nothing changes.</summary>
    Evaluation,

    /// <summary>Layers look at their batch and move their buffers.</summary>
    Training,
}
