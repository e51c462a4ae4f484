using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

public static partial class Sampling
{
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

    /// <summary>The reference is the formula in F32: all but the product with the bound is exact.</summary>
    private static IEnumerable<OpCase> UniformCases
    {
        get
        {
            const float Bound = 0.0721f;
            return [Case(1), Case(5, 3), Case(10003, 4_294_967_299), Case(4098, 2), Case(1 << 20) with { BenchOnly = true }];

            static OpCase Case(int n, long offset = 0)
            {
                var op = Generated(
                    "uniform", n, offset, DType.F32, true, (y, seed, stream, from) => Uniform(y, Bound, seed, stream, from), i =>
                    {
                        float value = (Philox.Word((ulong)(offset + i), 77, CaseSeed) >> 8) * (1f / 8388608) - 1f;
                        return Bound * value;
                    });
                return op with { Mutants = [.. op.Mutants, ("bound", Other)] };

                Tensor Other(Tape tape, Tensor[] inputs)
                {
                    var y = tape.New(new Shape(n));
                    Uniform(y, 2 * Bound, CaseSeed, 77, offset);
                    return y;
                }
            }
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct UniformParams
    {
        public FillParams Part;
        public float Bound;
    }
}
