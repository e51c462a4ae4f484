using System.Runtime.CompilerServices;

namespace CudaAttribution.Tensors;

/// <summary>Extents, outermost first; activations are <c>[N,H,W,C]</c>, tokens <c>[N,L,C]</c>, convolution weights <c>[O,KH,KW,I]</c>.</summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>
{
    private readonly int[]? _dims;

    public Shape(params int[] dims)
    {
        foreach (var d in dims)
        {
            if (d < 0) throw new ArgumentException($"negative extent in shape [{string.Join(',', dims)}]", nameof(dims));
        }
        _dims = [.. dims];
    }

    private int[] Dims => _dims ?? [];

    /// <summary>For collection expressions: <c>Shape s = [n, h, w, c]</c>.</summary>
    public static Shape Create(ReadOnlySpan<int> dims) => new(dims.ToArray());

    public int Rank => Dims.Length;

    /// <summary>Extent of axis <paramref name="axis"/>; <c>^1</c> is the innermost.</summary>
    public int this[Index axis] => Dims[axis];

    /// <summary>Number of elements.</summary>
    public long Count
    {
        get
        {
            long count = 1;
            foreach (int extent in Dims) count *= extent;
            return count;
        }
    }

    /// <summary>Elements of all axes but the innermost: the rows of a matrix view.</summary>
    public long Rows => Rank == 0 ? 1 : Count == 0 ? 0 : Count / this[^1];

    public ReadOnlySpan<int> AsSpan() => Dims;

    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)Dims).GetEnumerator();

    public int[] ToArray() => [.. Dims];

    public static implicit operator Shape(int[] dims) => new(dims);

    public bool Equals(Shape other) => Dims.AsSpan().SequenceEqual(other.Dims);

    public override bool Equals(object? obj) => obj is Shape s && Equals(s);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var d in Dims) hash.Add(d);
        return hash.ToHashCode();
    }

    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    public override string ToString() => $"[{string.Join(',', Dims)}]";
}
