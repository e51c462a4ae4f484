using System.Text.Json.Nodes;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Training;

/// <summary>
/// What a <see cref="TrainingLoop"/> trains: a network, its data and its loss. A loss is a function of the parameters, the buffers and the number of the
/// step alone, so that a resumed run gives the bits of one that never stopped.
/// </summary>
public interface ITrainingTask
{
    /// <summary>The parameters that are trained, frozen with gradients; their buffers are saved with them.</summary>
    ParameterSet Parameters { get; }

    /// <summary>Device memory of all weights and buffers, also of the parts that are not trained.</summary>
    long WeightBytes { get; }

    /// <summary>
    /// What decides the result beside the options of the loop: starting weights, data, loss. A checkpoint belongs to the run whose description is the
    /// same in every entry.
    /// </summary>
    JsonObject Describe();

    /// <summary>Makes what the steps need beside the parameters, which it takes as they are; the caller disposes it.</summary>
    /// <param name="options">How it is trained.</param>
    ITrainingStep Prepare(TrainOptions options);

    /// <summary>As <see cref="Prepare"/>, with parameters of its own on a device that only accounts for memory, disposed with the step.</summary>
    /// <param name="options">How it is trained.</param>
    /// <param name="device">From <c>ComputeDevice.Planning</c>.</param>
    ITrainingStep Plan(TrainOptions options, ComputeDevice device);
}

/// <summary>
/// Inputs and loss of training steps. The host's part of a step goes to the device in <see cref="Upload"/>, into tensors that are the same in every
/// step; the rest only issues work, so it can be recorded in a graph.
/// </summary>
public interface ITrainingStep : IDisposable
{
    /// <summary>The parameters that get gradients.</summary>
    ParameterSet Parameters { get; }

    /// <summary>Items of the training set, which batches are made of.</summary>
    int Items { get; }

    /// <summary>Device memory of what was made of the training set, and of a step's batch.</summary>
    long InputBytes { get; }

    /// <summary>Sets the inputs to those of a step.</summary>
    /// <param name="step">Its number, from 0.</param>
    /// <param name="items">The item at each place of its batch, in 0 .. <see cref="Items"/> − 1.</param>
    void Upload(int step, ReadOnlySpan<int> items);

    /// <summary>The mean loss of some places of the uploaded batch, one element; only issues work.</summary>
    Tensor Loss(Tape tape, MicroBatch batch);
}

/// <summary>Places of a step's batch that are computed together.</summary>
/// <param name="Before">Items that the run trained on before these, those of earlier steps included: where the draws of the first begin.</param>
/// <param name="First">The first place.</param>
/// <param name="Count">How many.</param>
public readonly record struct MicroBatch(long Before, int First, int Count);
