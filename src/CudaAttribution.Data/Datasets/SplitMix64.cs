namespace CudaAttribution.Data.Datasets;

/// <summary>
/// The SplitMix64 generator (Steele, Lea and Flood, OOPSLA 2014): the n-th number is a fixed mix of seed + n * 0x9e3779b97f4a7c15.
/// Used for shuffles because its sequence is defined, which that of <see cref="Random"/> is not.
/// </summary>
public struct SplitMix64(ulong seed)
{
    private ulong state = seed;

    /// <summary>The next 64 random bits.</summary>
    public ulong Next()
    {
        ulong z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    /// <summary>A number from 0 to <paramref name="bound"/> - 1, each as likely as any other.</summary>
    public int Below(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        // The high half of a 64 x 64 bit product; low halves under 2^64 mod bound would make some results likelier (Lemire 2019).
        ulong range = (ulong)bound, refused = (0 - range) % range;
        while (true)
        {
            ulong high = Math.BigMul(Next(), range, out ulong low);
            if (low >= refused) return (int)high;
        }
    }

    /// <summary>Puts the elements in random order: Fisher-Yates from the last place down, place i drawn from <see cref="Below"/>(i + 1).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
