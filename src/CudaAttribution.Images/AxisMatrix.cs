namespace CudaAttribution.Images;

/// <summary>The weights of one axis of <see cref="ImageResize"/> as a matrix, for whoever resizes values that are no bytes.</summary>
public static class AxisMatrix
{
    /// <summary>Weights of a resize from <paramref name="from"/> to <paramref name="to"/> pixels: area average down, Catmull-Rom up.</summary>
    /// <returns><c>[to,from]</c>, row-major; each row has the sum 1.</returns>
    public static double[] Of(int from, int to)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(to, 1);
        var axis = ResizeAxis.Create(from, to);
        var matrix = new double[checked(to * from)];
        for (int i = 0; i < to; i++)
        {
            for (int tap = axis.Offsets[i]; tap < axis.Offsets[i + 1]; tap++)
                matrix[(i * from) + axis.Sources[tap]] += (double)axis.Weights[tap] / axis.Denominator;
        }
        return matrix;
    }
}
