using System.Numerics;

namespace CudaAttribution.Tensors;

/// <summary>
/// Philox4x32-10 (Salmon et al., SC 2011): a counter-based generator, so that number i of stream (seed, stream) is the same on every device,
/// in every batch and in any order. The kernels' <c>philox.cuh</c> gives the same words.
/// </summary>
public static class Philox
{
    /// <summary>The four words of one counter block.</summary>
    public static (uint X, uint Y, uint Z, uint W) Block(ulong index, ulong stream, ulong seed)
    {
        uint c0 = (uint)index, c1 = (uint)(index >> 32), c2 = (uint)stream, c3 = (uint)(stream >> 32);
        uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = 0xD2511F53UL * c0, p1 = 0xCD9E8D57UL * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        return (c0, c1, c2, c3);
    }

    /// <summary>Word <paramref name="index"/> of a stream.</summary>
    public static uint Word(ulong index, ulong stream, ulong seed)
    {
        var (x, y, z, w) = Block(index / 4, stream, seed);
        return (index % 4) switch { 0 => x, 1 => y, 2 => z, _ => w };
    }

    /// <summary>A stream number for a named purpose, so that two purposes never share random numbers.</summary>
    public static ulong Stream(string purpose, ulong index = 0)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (char c in purpose) hash = (hash ^ c) * 0x100000001B3;
        return BitOperations.RotateLeft(hash, 17) ^ (index * 0x9E3779B97F4A7C15);
    }
}

/// <summary>
/// A sequential view of one Philox stream, for host-side draws (shuffles, timesteps, caption drop). Its position is its whole state.
/// </summary>
public sealed class PhiloxSequence(ulong seed, ulong stream, ulong position = 0)
{
    public ulong Position { get; private set; } = position;

    public uint NextWord() => Philox.Word(Position++, stream, seed);

    /// <summary>A uniform integer in [0, bound): the high half of a 32x32 product, rejecting the biased low range (Lemire 2019).</summary>
    public int Next(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        uint threshold = (uint)-bound % (uint)bound;
        ulong product;
        do product = (ulong)NextWord() * (uint)bound;
        while ((uint)product < threshold);
        return (int)(product >> 32);
    }

    /// <summary>Uniform in [0, 1) with 24 bits.</summary>
    public float NextSingle() => (NextWord() >> 8) * (1f / (1 << 24));

    /// <summary>Fisher-Yates.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
