using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>
/// What training steps compute on. The host's part of a step goes to the device in <see cref="Upload"/>, into tensors that are the same in every
/// step; the rest only issues work, so it can be recorded in a graph.
/// </summary>
internal interface ITrainingInputs : IDisposable
{
    /// <summary>Device memory held.</summary>
    long Bytes { get; }

    /// <summary>Sets what the other methods give to that of a step.</summary>
    /// <param name="step">Its number, from 0.</param>
    void Upload(int step);

    /// <summary>x_0 of the places <paramref name="first"/> .. first + <paramref name="count"/> of the step's batch, <c>[count,H,W,C]</c>.</summary>
    Tensor Clean(Tape tape, int step, int first, int count);

    /// <summary>Their timesteps, I32 <c>[count]</c>.</summary>
    Tensor Timesteps(int first, int count);

    /// <summary>Their text embeddings, <c>[count,L,D]</c>.</summary>
    Tensor Text(Tape tape, int first, int count);
}
