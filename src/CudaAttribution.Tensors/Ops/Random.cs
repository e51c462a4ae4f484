using System.Runtime.InteropServices;
using CudaAttribution.Driver;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Random numbers into given tensors, each a function of seed, stream and its place in the stream only; kernels in <c>random.cu</c>.</summary>
/// <remarks>All throw <see cref="ArgumentException"/> where a type, a shape or the device of an argument does not fit.</remarks>
public static partial class RandomNumbers
{
    /// <summary>
    /// Standard normal numbers: element i of <paramref name="destination"/> is number offset + i of the stream, a function of (seed, stream,
    /// number) only, so however a batch is split its samples get the same noise. Block b of the stream's Philox words (x, y, z, w) gives
    /// numbers 4b to 4b+3 by Box and Muller's transform of (x, y) and (z, w): √(−2 ln u) (cos, sin)(2πv), where u and v are a word's upper
    /// 24 bits plus one, over 2²⁴.
    /// </summary>
    /// <param name="destination">F32, any shape.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">What the numbers are for: <see cref="Philox.Stream"/>.</param>
    /// <param name="offset">Number of the stream that the first element gets; not negative.</param>
    public static void Normal(Tensor destination, ulong seed, ulong stream, long offset = 0) =>
        Fill("normal_f32", destination, DType.F32, seed, stream, offset);

    /// <summary>
    /// The words of a Philox stream as they are: element i is the bits of <see cref="Philox.Word"/>(offset + i). For checking a device's generator.
    /// </summary>
    /// <param name="destination">I32, any shape.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="offset">Word of the stream that the first element gets; not negative.</param>
    public static void Words(Tensor destination, ulong seed, ulong stream, long offset = 0) =>
        Fill("philox_words_i32", destination, DType.I32, seed, stream, offset);

    /// <summary>
    /// Uniform numbers in [−bound, bound): element i of <paramref name="destination"/> is bound · (w · 2⁻²³ − 1), where w is the upper 24 bits of
    /// word offset + i of the stream.
    /// </summary>
    /// <param name="destination">F32, any shape.</param>
    /// <param name="bound">Finite.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">What the numbers are for: <see cref="Philox.Stream"/>.</param>
    /// <param name="offset">Word of the stream that the first element gets; not negative.</param>
    public static void Uniform(Tensor destination, float bound, ulong seed, ulong stream, long offset = 0)
    {
        const string Kernel = "uniform_f32";
        if (!float.IsFinite(bound)) throw new ArgumentException($"{Kernel}: the bound is {bound}, it must be finite", nameof(bound));
        var part = Part(Kernel, destination, DType.F32, seed, stream, offset);
        destination.Device.Launch(Kernel, Groups(part), new UniformParams { Part = part, Bound = bound });
    }

    private static void Fill(string kernel, Tensor destination, DType type, ulong seed, ulong stream, long offset)
    {
        var part = Part(kernel, destination, type, seed, stream, offset);
        destination.Device.Launch(kernel, Groups(part), part);
    }

    /// <summary>The part of a stream that fills a tensor.</summary>
    private static FillParams Part(string kernel, Tensor destination, DType type, ulong seed, ulong stream, long offset)
    {
        OpCheck.Argument(destination.Device, kernel, destination, type);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return new FillParams
        {
            Y = destination.Pointer, N = destination.Count, Offset = offset,
            Stream0 = (uint)stream, Stream1 = (uint)(stream >> 32), Seed0 = (uint)seed, Seed1 = (uint)(seed >> 32),
        };
    }

    /// <summary>Blocks over the groups of four numbers that the part touches.</summary>
    private static Grid Groups(in FillParams part) =>
        part.N == 0 ? default : Tiles.Flat(4 * (((part.Offset + part.N - 1) / 4) - (part.Offset / 4) + 1));

    [StructLayout(LayoutKind.Sequential)]
    private struct FillParams
    {
        public nint Y;
        public long N, Offset;
        public uint Stream0, Stream1, Seed0, Seed1;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct UniformParams
    {
        public FillParams Part;
        public float Bound;
    }
}
