using System.Numerics;
using System.Runtime.InteropServices;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Models.Files.Lora;

/// <summary>factor · up · down, with down <c>[rank, columns]</c> and up <c>[rows, rank]</c>: what an adapter adds to a weight.</summary>
internal sealed class LowRankDelta(int rank, float[] down, float[] up, double factor)
{
    private readonly int _columns = down.Length / Math.Max(1, rank);

    /// <summary>
    /// Whether matrices of these shapes belong to a weight: <c>[rank, in]</c> and <c>[out, rank]</c> for a matrix, <c>[rank, in, kh, kw]</c> and
    /// <c>[out, rank, 1, 1]</c> for a convolution; a matrix and a 1x1 convolution are the same.
    /// </summary>
    public static bool Fits(Shape weight, Shape down, Shape up)
    {
        Shape w = AsConvolution(weight), d = AsConvolution(down), u = AsConvolution(up);
        return w.Rank == 4 && d.Rank == 4 && u.Rank == 4
            && d[0] > 0 && u[0] == w[0] && u[1] == d[0] && u[2] == 1 && u[3] == 1
            && d[1] == w[1] && d[2] == w[2] && d[3] == w[3];

        static Shape AsConvolution(Shape shape) => shape.Rank == 2 ? new Shape(shape[0], shape[1], 1, 1) : shape;
    }

    /// <summary>Adds elements of the product, from <paramref name="start"/> in row-major order, to values.</summary>
    public void AddTo(Span<float> values, long start)
    {
        float[] product = new float[_columns];
        while (values.Length > 0)
        {
            int row = (int)(start / _columns), column = (int)(start % _columns), count = Math.Min(_columns - column, values.Length);
            var sum = product.AsSpan(0, count);
            sum.Clear();
            for (int r = 0; r < rank; r++) AddScaled(sum, down.AsSpan(r * _columns + column, count), (float)(factor * up[row * rank + r]));
            AddScaled(values[..count], sum, 1);
            values = values[count..];
            start += count;
        }
    }

    private static void AddScaled(Span<float> sum, ReadOnlySpan<float> values, float factor)
    {
        var sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        for (int i = 0; i < sums.Length; i++) sums[i] += vectors[i] * factor;
        for (int i = sums.Length * Vector<float>.Count; i < sum.Length; i++) sum[i] += values[i] * factor;
    }
}

/// <summary>The weights of a source with low-rank products added to some of them, which become F32. It does not own the source.</summary>
internal sealed class MergedWeights : IWeightSource
{
    private readonly IWeightSource _weights;
    private readonly IReadOnlyDictionary<string, LowRankDelta> _deltas;

    public MergedWeights(IWeightSource weights, IReadOnlyDictionary<string, LowRankDelta> deltas)
    {
        (_weights, _deltas) = (weights, deltas);
        Weights = new SortedDictionary<string, WeightInfo>(
            weights.Weights.ToDictionary(w => w.Key, w => deltas.ContainsKey(w.Key) ? w.Value with { Type = DType.F32 } : w.Value),
            StringComparer.Ordinal);
    }

    public string Path => _weights.Path;

    public IReadOnlyDictionary<string, WeightInfo> Weights { get; }

    public IReadOnlyDictionary<string, string> Metadata => _weights.Metadata;

    public void Read(string name, long start, Span<byte> destination)
    {
        if (!_deltas.TryGetValue(name, out var delta))
        {
            _weights.Read(name, start, destination);
            return;
        }
        WeightSources.RequireRange(Weights[name], name, start, destination.Length);
        var values = MemoryMarshal.Cast<byte, float>(destination);
        _weights.ReadF32(name, start, values);
        delta.AddTo(values, start);
    }

    /// <summary>Closes nothing: the source belongs to the caller.</summary>
    public void Dispose()
    {
    }
}
