namespace CudaAttribution.Tensors.Ops;

public static partial class Sampling
{
    private const ulong CaseSeed = 0x0123456789ABCDEF;
    private const int Steps = 10;

    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Words(4), Words(10003, 4_294_967_299), Words(3, 1), Words(1 << 20) with { BenchOnly = true },
        Normal(1), Normal(5, 3), Normal(10001, 4_294_967_298), Normal(32 * 32 * 32 * 3) with { BenchOnly = true },
        .. UniformCases,
        QSample(false, 3, 2, 5, 7), QSample(true, 3, 2, 5, 7), QSample(true, 1, 4099), QSample(true, 2, 1),
        QSample(true, 32, 32, 32, 3) with { BenchOnly = true },
        Ddim(true, true, 2, 3, 5), Ddim(true, false, 4099), Ddim(false, true, 7), Ddim(false, false, 1),
        Ddim(true, false, 32, 32, 32, 3) with { BenchOnly = true },
        ToPixelsCase(5, 7, 3), ToPixelsCase(4097), FromPixelsCase(5, 7, 3), FromPixelsCase(4099),
        ToPixelsCase(32, 32, 32, 3) with { BenchOnly = true },
        .. LatentCases,
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
            $"sampling/{name}",
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

    private static OpCase QSample(bool velocity, params int[] dims)
    {
        int sample = (int)(new Shape(dims).Count / dims[0]);
        return new OpCase(
            velocity ? "sampling/q_sample_velocity" : "sampling/q_sample",
            $"{new Shape(dims)}",
            [
                new OpInput("x0", dims, OpFill.Normal(), Grad: false, Batched: true),
                new OpInput("noise", dims, OpFill.Normal(), Grad: false, Batched: true),
                new OpInput("t", [dims[0]], OpFill.Index(Steps), Grad: false, Batched: true),
                new OpInput("signal", [Steps], OpFill.Normal(), Grad: false), new OpInput("sigma", [Steps], OpFill.Normal(), Grad: false),
            ],
            (tape, x) =>
            {
                var noisy = tape.New(x[0].Shape);
                var target = velocity ? tape.New(x[0].Shape) : null;
                QSample(x[0], x[1], x[2], x[3], x[4], noisy, target);
                return target ?? noisy;
            },
            x =>
            {
                var result = new double[x[0].Length];
                for (int i = 0; i < result.Length; i++)
                {
                    int t = (int)x[2][i / sample];
                    result[i] = velocity ? x[3][t] * x[1][i] - x[4][t] * x[0][i] : x[3][t] * x[0][i] + x[4][t] * x[1][i];
                }
                return result;
            })
        {
            Bytes = (velocity ? 16.0 : 12.0) * new Shape(dims).Count, Differentiable = false, BatchInvariant = true,
        };
    }

    private static OpCase Ddim(bool guided, bool noisy, params int[] dims)
    {
        string[] names = ["x", "conditional", .. guided ? ["unconditional"] : Array.Empty<string>(), .. noisy ? ["noise"] : Array.Empty<string>()];
        float guidance = guided ? 7.5f : 1f, sigma = noisy ? 0.375f : 0f;
        return new OpCase(
            "sampling/ddim_step",
            $"{new Shape(dims)}{(guided ? " guided" : "")}{(noisy ? " noisy" : "")}",
            [.. names.Select(n => new OpInput(n, dims, OpFill.Normal(), Grad: false, Batched: true))],
            (tape, x) => Run(tape, x, guidance, 1.25f, -0.5f, sigma),
            x =>
            {
                var result = new double[x[0].Length];
                for (int i = 0; i < result.Length; i++)
                {
                    double o = guided ? x[2][i] + guidance * (x[1][i] - x[2][i]) : x[1][i];
                    result[i] = 1.25 * x[0][i] - 0.5 * o + (noisy ? sigma * x[^1][i] : 0);
                }
                return result;
            })
        {
            Bytes = 4.0 * (names.Length + 1) * new Shape(dims).Count, Differentiable = false, BatchInvariant = true,
            Mutants = [.. Mutants()],
        };

        IEnumerable<(string, Func<Tape, Tensor[], Tensor>)> Mutants()
        {
            yield return ("sample", (tape, x) => Run(tape, x, guidance, 1f, -0.5f, sigma));
            yield return ("output", (tape, x) => Run(tape, x, guidance, 1.25f, -0.25f, sigma));
            if (guided) yield return ("guidance", (tape, x) => Run(tape, x, 2f, 1.25f, -0.5f, sigma));
            if (noisy) yield return ("sigma", (tape, x) => Run(tape, x, guidance, 1.25f, -0.5f, 0.25f));
        }

        Tensor Run(Tape tape, Tensor[] x, float w, float sample, float output, float noise)
        {
            var y = tape.New(x[0].Shape);
            DdimStep(x[0], x[1], guided ? x[2] : null, w, sample, output, noise, noisy ? x[^1] : null, y);
            return y;
        }
    }

    private static OpCase ToPixelsCase(params int[] dims) => new(
        "sampling/to_pixels",
        $"{new Shape(dims)}",
        [new OpInput("x", dims, OpFill.Normal(), Grad: false, Batched: true)],
        (tape, x) =>
        {
            var y = tape.New(x[0].Shape, DType.U8);
            ToPixels(x[0], y);
            return y;
        },
        x => [.. x[0].Select(v => (double)ReferencePixel((float)v))])
    {
        Bytes = 5.0 * new Shape(dims).Count, Differentiable = false, BatchInvariant = true, Exact = true,
    };

    private static OpCase FromPixelsCase(params int[] dims) => new(
        "sampling/from_pixels",
        $"{new Shape(dims)}",
        [new OpInput("pixels", dims, OpFill.Pixels(), Grad: false, Batched: true)],
        (tape, x) =>
        {
            var y = tape.New(x[0].Shape);
            FromPixels(x[0], y);
            return y;
        },
        x => [.. x[0].Select(v => v / 127.5 - 1)])
    {
        Bytes = 5.0 * new Shape(dims).Count, Differentiable = false, BatchInvariant = true,
    };

    /// <summary>In F32 as the definition says, since near a half the rounding of x/2 + ½ decides.</summary>
    private static float ReferencePixel(float x) => float.Round(255f * float.Clamp(x / 2 + 0.5f, 0f, 1f), MidpointRounding.ToEven);
}
