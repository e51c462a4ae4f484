using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>What steps of diffusion training compute on; <see cref="Upload"/> is the host's part, as in <see cref="ITrainingStep"/>.</summary>
internal interface IDiffusionInputs : IDisposable
{
    /// <summary>Pictures of the training set.</summary>
    int Pictures { get; }

    /// <summary>Device memory held.</summary>
    long Bytes { get; }

    /// <summary>Sets what the other methods give to that of a step.</summary>
    void Upload(int step, ReadOnlySpan<int> pictures);

    /// <summary>x_0 of some places of the step's batch, <c>[Count,H,W,C]</c>.</summary>
    Tensor Clean(Tape tape, MicroBatch batch);

    /// <summary>Their timesteps, I32 <c>[Count]</c>.</summary>
    Tensor Timesteps(MicroBatch batch);

    /// <summary>Their text embeddings, <c>[Count,L,D]</c>.</summary>
    Tensor Text(Tape tape, MicroBatch batch);
}
