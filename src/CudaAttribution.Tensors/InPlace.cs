using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors;

/// <summary>Changes in place, outside the tape: what gradients, engines and ops add and begin with.</summary>
public static class InPlace
{
    /// <summary>destination += source, in place and outside the tape.</summary>
    /// <param name="d">The device of both.</param>
    /// <param name="destination">Any shape.</param>
    /// <param name="source">As many elements as <paramref name="destination"/>, in memory of its own.</param>
    public static void AddInto(ComputeDevice d, Tensor destination, Tensor source)
    {
        const string Op = "add_into";
        OpCheck.Argument(d, Op, destination);
        OpCheck.Argument(d, Op, source);
        OpCheck.That(source.Count == destination.Count, Op, source, $"of {destination.Count} elements, as the destination {destination.Shape} is");
        d.Launch("add_into_f32", Tiles.Flat(source.Count), new AddIntoParams { X = source.Pointer, Y = destination.Pointer, N = source.Count });
    }

    /// <summary>y[...,c] += b[c], in place and outside the tape.</summary>
    /// <param name="d">The device of both.</param>
    /// <param name="y"><c>[...,C]</c>.</param>
    /// <param name="b"><c>C</c> elements.</param>
    public static void AddRowInto(ComputeDevice d, Tensor y, Tensor b)
    {
        const string Op = "add_row_into";
        OpCheck.Argument(d, Op, y);
        OpCheck.Argument(d, Op, b);
        OpCheck.That(y.Shape.Rank >= 1 && b.Count == y.Shape[^1], Op, b, $"as many elements as the last axis of y {y.Shape} has");
        int channels = y.Shape[^1], rows = Tiles.RowsPerBlock(channels), total = OpCheck.Int(Op, y.Shape.Rows, "the number of rows");
        d.Launch("add_per_sample_fwd_f32", Tiles.Rows(total, rows), new AddPerSampleParams
        {
            X = y.Pointer, T = b.Pointer, Y = y.Pointer, Pixels = total, C = channels, RowsPerBlock = rows,
        });
    }

    /// <summary>Sets every element to one value, ordered in the stream: nothing comes from the host.</summary>
    /// <param name="destination">F32, any shape.</param>
    /// <param name="value">Any value, NaN and infinity included.</param>
    public static void Constant(Tensor destination, float value)
    {
        OpCheck.Argument(destination.Device, "constant", destination);
        destination.Device.Launch("constant_f32", Tiles.Flat(destination.Count), new ConstantParams
        {
            Y = destination.Pointer, N = destination.Count, Value = value,
        });
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct AddIntoParams
    {
        public nint X, Y;
        public long N;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct AddPerSampleParams
    {
        public nint X, T, Y;
        public int Pixels, C, RowsPerBlock;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ConstantParams
    {
        public nint Y;
        public long N;
        public float Value;
    }
}
