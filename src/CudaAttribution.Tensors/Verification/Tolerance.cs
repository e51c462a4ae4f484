namespace CudaAttribution.Tensors.Verification;

/// <summary>
/// What counts as right. Error is the normalised mean square NMSE = Σ(a-b)² / Σb² against float64. Non-finite values where the reference is
/// finite fail before any error is computed.
/// </summary>
/// <remarks>
/// F32 round-off is 6e-8 per operation, NMSE 4e-15; a thousand of them in a chain stay below 4e-12. So the ceilings leave no room for a wrong
/// eps or a forgotten term, which cost 1e-10 and more in the cases' inputs. They hold for products of rounded operands too: the reference then takes
/// the operands rounded.
/// </remarks>
public static class Tolerance
{
    /// <summary>Forward, F32.</summary>
    public const double ForwardF32 = 1e-11;

    /// <summary>Backward, F32, against central differences of the float64 reference.</summary>
    public const double BackwardF32 = 1e-10;

    /// <summary>
    /// Products of operands rounded to BF16, against float64 of the operands as they were: twice the mean square error of rounding two numbers, each
    /// off by at most 2⁻⁸ of its size (8 significant bits), anything up to that equally likely.
    /// </summary>
    public const double RoundingBF16 = 2 * (2.0 / (256.0 * 256.0 * 3));

    /// <summary>NMSE; infinite where a value is not finite although the reference is, or where lengths differ.</summary>
    public static double Nmse(ReadOnlySpan<double> actual, ReadOnlySpan<double> expected)
    {
        if (actual.Length != expected.Length) return double.PositiveInfinity;
        double error = 0, norm = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            if (!double.IsFinite(expected[i]))
            {
                if (!actual[i].Equals(expected[i])) return double.PositiveInfinity;
                continue;
            }
            if (!double.IsFinite(actual[i])) return double.PositiveInfinity;
            double d = actual[i] - expected[i];
            error += d * d;
            norm += expected[i] * expected[i];
        }
        return error == 0 ? 0 : norm == 0 ? double.PositiveInfinity : error / norm;
    }
}
