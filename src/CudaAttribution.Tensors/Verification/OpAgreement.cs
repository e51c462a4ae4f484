using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Verification;

/// <summary>How far two engines are apart on the same inputs of a case: for shapes whose float64 reference would take too long.</summary>
public static class OpAgreement
{
    /// <summary>The larger NMSE of the output and of every gradient, <paramref name="other"/> being the reference.</summary>
    /// <param name="device">The engine in question.</param>
    /// <param name="other">The engine it is measured by.</param>
    /// <param name="op">The case; its output is F32.</param>
    /// <param name="where">The array that is farthest apart.</param>
    public static double Nmse(ComputeDevice device, ComputeDevice other, OpCase op, out string where)
    {
        (double worst, where) = (-1, "");
        foreach (var (mine, theirs) in OpDigest.Arrays(device, op).Zip(OpDigest.Arrays(other, op)))
        {
            double error = Tolerance.Nmse(Doubles(mine.Bytes), Doubles(theirs.Bytes));
            if (error > worst) (worst, where) = (error, mine.Name);
        }
        return worst;
    }

    private static double[] Doubles(byte[] bytes) => Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), v => (double)v);
}
