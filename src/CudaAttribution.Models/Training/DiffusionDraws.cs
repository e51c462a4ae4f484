using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>What a step of diffusion training draws beside its pictures: timesteps and dropped captions, a function of (seed, step).</summary>
/// <param name="seed">Seed of the run.</param>
/// <param name="batchSize">Pictures of a step.</param>
/// <param name="timesteps">Training timesteps T.</param>
/// <param name="captionDrop">Probability of the empty caption.</param>
internal sealed class DiffusionDraws(ulong seed, int batchSize, int timesteps, double captionDrop)
{
    private static readonly ulong TimestepStream = Philox.Stream("train.timestep"), DropStream = Philox.Stream("train.drop");

    /// <summary>Timesteps, uniform over 0..T−1: the high half of a 32x32 product, whose bias of T/2³² is far below what a run can see.</summary>
    public void Timesteps(int step, Span<int> values)
    {
        ulong first = (ulong)step * (ulong)batchSize;
        for (int j = 0; j < batchSize; j++) values[j] = (int)(((ulong)Philox.Word(first + (ulong)j, TimestepStream, seed) * (ulong)timesteps) >> 32);
    }

    /// <summary>Whether place <paramref name="place"/> of the batch is trained with the empty caption.</summary>
    public bool DropsCaption(int step, int place)
    {
        ulong index = (ulong)step * (ulong)batchSize + (ulong)place;
        return Philox.Word(index, DropStream, seed) * (1.0 / 4294967296.0) < captionDrop;
    }
}
