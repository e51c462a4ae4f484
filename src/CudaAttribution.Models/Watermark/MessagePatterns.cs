using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Models.Watermark;

/// <summary>
/// A fixed pattern for each bit, its sign the bit: the 32 products of two cosines (those of a DCT) with the lowest frequencies above zero, each of mean
/// square 1. Repeated as it is, a message would be the same at every pixel, and convolutions over it could change a plain ground by one colour only;
/// patterns of low frequency last through JPEG and resizing.
/// </summary>
internal sealed class MessagePatterns : IDisposable
{
    private readonly Arena _arena;
    private readonly Tensor _patterns;

    /// <param name="device">Where they lie.</param>
    /// <param name="size">Side of the pictures.</param>
    public MessagePatterns(ComputeDevice device, int size)
    {
        _arena = new Arena(device);
        var shape = new Shape(size, size, WatermarkConfig.Bits);
        _patterns = device.IsPlanning ? _arena.New(shape) : _arena.From(Values(size), shape);
    }

    /// <summary>Device memory.</summary>
    public long Bytes => _patterns.Bytes;

    /// <summary>The patterns with the signs of messages.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="messages"><c>[N,32]</c>, 0 or 1.</param>
    /// <returns><c>[N,size,size,32]</c>.</returns>
    public Tensor Repeat(Tape tape, Tensor messages)
    {
        using var frame = tape.Frame();
        int samples = messages.Shape[0];
        var zero = tape.New([samples, .. _patterns.Shape.AsSpan()]);
        zero.Zero();
        var signs = tape.AddPerSample(zero, tape.Offset(tape.Scale(messages, 2), -1));
        return frame.Keep(tape.Multiply(signs, tape.AddRows(zero, _patterns)));
    }

    public void Dispose() => _arena.Dispose();

    /// <summary><c>[size,size,32]</c>.</summary>
    internal static float[] Values(int size)
    {
        // (frequency down, frequency across), by their sum of squares, then by the first.
        var frequencies = (from u in Enumerable.Range(0, 8) from v in Enumerable.Range(0, 8) where u + v > 0 orderby (u * u) + (v * v), u select (u, v))
            .Take(WatermarkConfig.Bits).ToArray();
        var values = new float[size * size * WatermarkConfig.Bits];
        for (int i = 0; i < values.Length; i++)
        {
            var (u, v) = frequencies[i % WatermarkConfig.Bits];
            int row = i / WatermarkConfig.Bits / size, column = i / WatermarkConfig.Bits % size;
            double scale = (u > 0 ? double.Sqrt(2) : 1) * (v > 0 ? double.Sqrt(2) : 1);
            values[i] = (float)(scale * Cosine(row, u) * Cosine(column, v));
        }
        return values;

        double Cosine(int place, int frequency) => double.CosPi((place + 0.5) * frequency / size);
    }
}
