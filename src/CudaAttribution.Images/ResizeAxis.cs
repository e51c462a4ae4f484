namespace CudaAttribution.Images;

/// <summary>
/// The weights of one axis of a resize, as integers over a common denominator: output i is
/// (sum over taps of Weights[k] * source[Sources[k]]) / Denominator, k from Offsets[i] to Offsets[i + 1] - 1.
/// </summary>
internal sealed class ResizeAxis
{
    /// <summary>Denominator of the bicubic weights: fine enough that a sum over two axes is off by less than 0.002 of a grey level.</summary>
    private const int CubicBits = 20;

    private ResizeAxis(int[] offsets, int[] sources, long[] weights, long denominator)
    {
        Offsets = offsets;
        Sources = sources;
        Weights = weights;
        Denominator = denominator;
    }

    public int[] Offsets { get; }

    public int[] Sources { get; }

    public long[] Weights { get; }

    public long Denominator { get; }

    public static ResizeAxis Create(int from, int to) => to <= from ? Area(from, to) : Cubic(from, to);

    /// <summary>
    /// Area average: with the axis cut into from * to units, source pixel j covers [j to, (j + 1) to) and output pixel i covers
    /// [i from, (i + 1) from); the weight is the overlap. The weights are exact and add up to <paramref name="from"/>.
    /// </summary>
    private static ResizeAxis Area(int from, int to)
    {
        var offsets = new int[to + 1];
        var sources = new List<int>();
        var weights = new List<long>();
        for (int i = 0; i < to; i++)
        {
            long begin = (long)i * from, end = begin + from;
            for (int j = (int)(begin / to); (long)j * to < end; j++)
            {
                sources.Add(j);
                weights.Add(Math.Min(end, (j + 1L) * to) - Math.Max(begin, (long)j * to));
            }
            offsets[i + 1] = sources.Count;
        }
        return new ResizeAxis(offsets, [.. sources], [.. weights], from);
    }

    /// <summary>
    /// Catmull-Rom interpolation (cubic convolution with a = -1/2) at pixel centres, the border pixel repeated outwards.
    /// The position of output i is ((2 i + 1) from - to) / (2 to) source pixels; with its fraction p / q, q = 2 to, the four weights are
    /// cubic polynomials in p over 2 q^3, rounded to multiples of 2^-20 so that they add up to 1 exactly.
    /// </summary>
    private static ResizeAxis Cubic(int from, int to)
    {
        var offsets = new int[to + 1];
        var sources = new int[4 * to];
        var weights = new long[4 * to];
        Int128 q = 2 * (Int128)to, denominator = 2 * q * q * q;
        long one = 1L << CubicBits;
        for (int i = 0; i < to; i++)
        {
            long position = (2L * i + 1) * from - to, period = 2L * to;
            long whole = (position + period) / period - 1; // floor, for a position above -period
            Int128 p = position - whole * period;
            long before = Round(-p * q * q + 2 * p * p * q - p * p * p);
            long after = Round(p * q * q + 4 * p * p * q - 3 * p * p * p);
            long beyond = Round(-p * p * q + p * p * p);
            long[] four = [before, one - before - after - beyond, after, beyond];
            for (int k = 0; k < 4; k++)
            {
                sources[4 * i + k] = (int)Math.Clamp(whole - 1 + k, 0, from - 1);
                weights[4 * i + k] = four[k];
            }
            offsets[i + 1] = 4 * (i + 1);
        }
        return new ResizeAxis(offsets, sources, weights, one);

        long Round(Int128 numerator)
        {
            Int128 doubled = 2 * numerator * one + denominator;
            Int128 floor = doubled >= 0 ? doubled / (2 * denominator) : -((-doubled + 2 * denominator - 1) / (2 * denominator));
            return (long)floor;
        }
    }
}
