using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>
/// What each training step draws: pictures, timesteps, dropped captions. Everything is a function of (seed, step), so a resumed run draws what the
/// uninterrupted one would have and no generator state is saved.
/// </summary>
/// <param name="seed">Seed of the run.</param>
/// <param name="pictures">Pictures in the set.</param>
/// <param name="batchSize">Pictures of a step.</param>
/// <param name="timesteps">Training timesteps T.</param>
/// <param name="captionDrop">Probability of the empty caption.</param>
internal sealed class BatchPlan(ulong seed, int pictures, int batchSize, int timesteps, double captionDrop)
{
    private static readonly ulong TimestepStream = Philox.Stream("train.timestep"), DropStream = Philox.Stream("train.drop");

    private readonly int[] _order = new int[pictures];
    private long _orderedEpoch = -1;

    /// <summary>Index of the picture of each place of the batch: epoch after epoch, each in its own random order.</summary>
    public void Pictures(int step, Span<int> indices)
    {
        long first = (long)step * batchSize;
        for (int j = 0; j < batchSize; j++)
        {
            long position = first + j;
            Order(position / pictures);
            indices[j] = _order[position % pictures];
        }
    }

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

    private void Order(long epoch)
    {
        if (epoch == _orderedEpoch) return;
        for (int i = 0; i < pictures; i++) _order[i] = i;
        new PhiloxSequence(seed, Philox.Stream("train.order", (ulong)epoch)).Shuffle(_order.AsSpan());
        _orderedEpoch = epoch;
    }
}
