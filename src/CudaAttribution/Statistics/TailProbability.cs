using System.Numerics;

namespace CudaAttribution.Statistics;

/// <summary>A probability that may be smaller than a double can be.</summary>
/// <param name="Value">The nearest double; where that would be 0, the smallest double above it: a p-value is never 0.</param>
/// <param name="Log10">Its decimal logarithm.</param>
public readonly record struct TailProbability(double Value, double Log10)
{
    /// <summary>Bits that a quotient is computed to: more than a double holds.</summary>
    private const int Precision = 80;

    /// <summary>Favourable cases of equally likely ones.</summary>
    /// <param name="favourable">At least 1.</param>
    /// <param name="cases">At least <paramref name="favourable"/>.</param>
    public static TailProbability Of(BigInteger favourable, BigInteger cases)
    {
        if (favourable.Sign <= 0 || favourable > cases)
            throw new ArgumentOutOfRangeException(nameof(favourable), favourable, $"of {cases} equally likely cases 1 to all are favourable");
        int shift = Precision + (int)(cases.GetBitLength() - favourable.GetBitLength());
        double quotient = (double)((favourable << shift) / cases);
        return new(Math.Max(Math.ScaleB(quotient, -shift), double.Epsilon), Math.Log10(quotient) - (shift * Math.Log10(2)));
    }
}
