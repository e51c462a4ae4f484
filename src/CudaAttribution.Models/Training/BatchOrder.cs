using CudaAttribution.Tensors;

namespace CudaAttribution.Models.Training;

/// <summary>
/// Which items of a training set each step has: epoch after epoch, each in its own random order; batches run across the ends of epochs. A function of
/// (seed, step), so a resumed run draws what the uninterrupted one would have and no generator state is saved.
/// </summary>
/// <param name="seed">Seed of the run.</param>
/// <param name="items">Items in the set.</param>
internal sealed class BatchOrder(ulong seed, int items)
{
    private readonly int[] _order = new int[items];
    private long _orderedEpoch = -1;

    /// <summary>The item at each place of the batch of a step.</summary>
    public void Items(int step, Span<int> batch)
    {
        long first = (long)step * batch.Length;
        for (int j = 0; j < batch.Length; j++)
        {
            long position = first + j;
            Order(position / items);
            batch[j] = _order[position % items];
        }
    }

    private void Order(long epoch)
    {
        if (epoch == _orderedEpoch) return;
        for (int i = 0; i < items; i++) _order[i] = i;
        new PhiloxSequence(seed, Philox.Stream("train.order", (ulong)epoch)).Shuffle(_order.AsSpan());
        _orderedEpoch = epoch;
    }
}
