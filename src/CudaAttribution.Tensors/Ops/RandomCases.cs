namespace CudaAttribution.Tensors.Ops;

public static partial class RandomNumbers
{
    private const ulong CaseSeed = 0x0123456789ABCDEF;

    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Words(4), Words(10003, 4_294_967_299), Words(3, 1), Words(1 << 20) with { BenchOnly = true },
        Normal(1), Normal(5, 3), Normal(10001, 4_294_967_298), Normal(32 * 32 * 32 * 3) with { BenchOnly = true },
        .. UniformCases,
    ];

    private static OpCase Words(int n, long offset = 0) => Generated(
        "philox_words", n, offset, DType.I32, true, Words, i => (int)Philox.Word((ulong)(offset + i), 77, CaseSeed));

    private static OpCase Normal(int n, long offset = 0) => Generated("normal", n, offset, DType.F32, false, Normal, i =>
    {
        ulong number = (ulong)(offset + i), pair = number & ~1UL;
        double u = Uniform(pair), v = Uniform(pair + 1), radius = double.Sqrt(-2 * double.Log(u));
        return radius * (number == pair ? double.Cos(double.Tau * v) : double.Sin(double.Tau * v));

        static double Uniform(ulong word) => ((Philox.Word(word, 77, CaseSeed) >> 8) + 1) / 16777216.0;
    });

    private static OpCase Generated(
        string name, int n, long offset, DType type, bool exact, Action<Tensor, ulong, ulong, long> fill, Func<int, double> reference)
    {
        return new OpCase(
            $"random/{name}",
            $"[{n}] from {offset}",
            [],
            (tape, _) => Run(tape, CaseSeed, 77, offset),
            _ => [.. Enumerable.Range(0, n).Select(reference)])
        {
            Bytes = 4.0 * n, Differentiable = false, Exact = exact,
            Mutants =
            [
                ("seed", (tape, _) => Run(tape, CaseSeed + 1, 77, offset)),
                ("seed, high half", (tape, _) => Run(tape, CaseSeed ^ 1UL << 40, 77, offset)),
                ("stream", (tape, _) => Run(tape, CaseSeed, 78, offset)),
                ("stream, high half", (tape, _) => Run(tape, CaseSeed, 77 ^ 1UL << 40, offset)),
                ("offset", (tape, _) => Run(tape, CaseSeed, 77, offset + 1)),
            ],
        };

        Tensor Run(Tape tape, ulong seed, ulong stream, long from)
        {
            var y = tape.New(new Shape(n), type);
            fill(y, seed, stream, from);
            return y;
        }
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
}
