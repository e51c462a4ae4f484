namespace CudaAttribution.Tensors.Ops;

public static partial class Elementwise
{
    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        .. ActivationCases, .. ClampCases, .. GegluCases, .. ScaleCases, .. ProductCases, .. SumCases, .. ConcatCases, .. UpsampleCases, .. TimestepCases, .. ConstantCases,
    ];

    private static IEnumerable<OpCase> ActivationCases =>
    [
        .. Activation("relu", Relu, x => double.Max(x, 0)),
        .. Activation("silu", Silu, x => x / (1 + double.Exp(-x))),
        .. Activation("gelu", Gelu, ReferenceGelu),
        .. Activation("quick_gelu", QuickGelu, x => x / (1 + double.Exp(-1.702 * x))),
        .. Activation("tanh", Tanh, double.Tanh),
    ];

    private static IEnumerable<OpCase> ClampCases
    {
        get
        {
            return [Case(-0.5f, 1f, 3, 7, 11), Case(0f, 1f, 2, 4099), Case(0f, 1f, 32, 32, 32, 3) with { BenchOnly = true }];

            static OpCase Case(float low, float high, params int[] dims) => new(
                "elementwise/clamp",
                $"{new Shape(dims)} to [{low}, {high}]",
                [new OpInput("x", dims, OpFill.Normal(), Batched: true)],
                (tape, x) => tape.Clamp(x[0], low, high),
                x => Enumerate(x[0].Length, i => double.Clamp(x[0][i], low, high)))
            {
                Bytes = 8.0 * new Shape(dims).Count, BatchInvariant = true, Exact = true,
                Mutants = [("low", (tape, x) => tape.Clamp(x[0], low - 5, high)), ("high", (tape, x) => tape.Clamp(x[0], low, high - 0.25f))],
            };
        }
    }

    private static IEnumerable<OpCase> GegluCases
    {
        get
        {
            return [Case(3, 5, 14), Case(2, 2), Case(7, 2050), Case(32, 256, 512) with { BenchOnly = true }];

            static OpCase Case(params int[] dims)
            {
                var shape = new Shape(dims);
                int c = shape[^1] / 2;
                return new OpCase(
                    "elementwise/geglu",
                    $"{shape}",
                    [new OpInput("x", shape, OpFill.Normal(), Batched: true)],
                    (tape, x) => tape.Geglu(x[0]),
                    x => Enumerate(shape.Count / 2, i => x[0][i / c * 2 * c + i % c] * ReferenceGelu(x[0][i / c * 2 * c + c + i % c])))
                {
                    Bytes = 6.0 * shape.Count, BatchInvariant = true,
                };
            }
        }
    }

    private static IEnumerable<OpCase> SumCases
    {
        get
        {
            return
            [
                Add([5]), Add([3, 4, 5, 7]), Add([2, 4097]), Add([32, 16, 16, 64]) with { BenchOnly = true },
                PerSample([2, 3, 5, 7]), PerSample([3, 1, 1, 33]), PerSample([1, 9, 2, 64]), PerSample([2, 13, 70]),
                PerSample([32, 16, 16, 64]) with { BenchOnly = true }, PerSample([2, 64, 64, 320]) with { BenchOnly = true },
                Rows([2, 3, 5]), Rows([1, 4, 7]), Rows([5, 9, 100]), Rows([3, 41, 101]), Rows([32, 77, 128]) with { BenchOnly = true },
            ];

            static OpCase Add(int[] dims) => new(
                "elementwise/add",
                $"{new Shape(dims)}",
                [new OpInput("a", dims, OpFill.Normal(), Batched: true), new OpInput("b", dims, OpFill.Normal(1f, 2f), Batched: true)],
                (tape, x) => tape.Add(x[0], x[1]),
                x => Enumerate(x[0].Length, i => x[0][i] + x[1][i]))
            {
                Bytes = 12.0 * new Shape(dims).Count, BatchInvariant = true,
            };

            static OpCase PerSample(int[] dims)
            {
                int sample = (int)(new Shape(dims).Count / dims[0]), c = dims[^1];
                return new OpCase(
                    "elementwise/add_per_sample",
                    $"{new Shape(dims)}",
                    [new OpInput("x", dims, OpFill.Normal(), Batched: true), new OpInput("t", [dims[0], c], OpFill.Normal(), Batched: true)],
                    (tape, x) => tape.AddPerSample(x[0], x[1]),
                    x => Enumerate(x[0].Length, i => x[0][i] + x[1][i / sample * c + i % c]))
                {
                    Bytes = 8.0 * new Shape(dims).Count, BatchInvariant = true,
                };
            }

            static OpCase Rows(int[] dims) => new(
                "elementwise/add_rows",
                $"{new Shape(dims)}",
                [new OpInput("x", dims, OpFill.Normal(), Batched: true), new OpInput("p", dims[1..], OpFill.Normal())],
                (tape, x) => tape.AddRows(x[0], x[1]),
                x => Enumerate(x[0].Length, i => x[0][i] + x[1][i % x[1].Length]))
            {
                Bytes = 8.0 * new Shape(dims).Count, BatchInvariant = true,
            };
        }
    }

    private static IEnumerable<OpCase> ConcatCases
    {
        get
        {
            return
            [
                Case([2, 3, 4], 5, 7), Case([3], 1, 33), Case([1, 2, 2], 64, 3), Case([2], 4099, 2),
                Case([32, 8, 8], 128, 128) with { BenchOnly = true },
            ];

            static OpCase Case(int[] outer, int a, int b) => new(
                "elementwise/concat",
                $"{new Shape(outer)} {a}+{b}",
                [new OpInput("a", [.. outer, a], OpFill.Normal(), Batched: true), new OpInput("b", [.. outer, b], OpFill.Normal(), Batched: true)],
                (tape, x) => tape.Concat(x[0], x[1]),
                x => Enumerate(x[0].Length + x[1].Length, i =>
                {
                    int row = i / (a + b), column = i % (a + b);
                    return column < a ? x[0][row * a + column] : x[1][row * b + column - a];
                }))
            {
                Bytes = 8.0 * new Shape(outer).Count * (a + b), BatchInvariant = true, Exact = true,
            };
        }
    }

    private static IEnumerable<OpCase> UpsampleCases
    {
        get
        {
            return
            [
                Case(2, 3, 5, 7), Case(1, 1, 1, 33), Case(3, 4, 2, 64), Case(1, 2, 3, 1030),
                Case(32, 8, 8, 128) with { BenchOnly = true }, Case(2, 32, 32, 640) with { BenchOnly = true },
            ];

            static OpCase Case(int n, int h, int w, int c) => new(
                "elementwise/upsample_nearest_2x",
                $"{new Shape(n, h, w, c)}",
                [new OpInput("x", [n, h, w, c], OpFill.Normal(), Batched: true)],
                (tape, x) => tape.UpsampleNearest2x(x[0]),
                x => Enumerate(4 * x[0].Length, i =>
                {
                    int channel = i % c, column = i / c % (2 * w), row = i / c / (2 * w) % (2 * h), sample = i / c / (2 * w) / (2 * h);
                    return x[0][((sample * h + row / 2) * w + column / 2) * c + channel];
                }))
            {
                Bytes = 20.0 * n * h * w * c, BatchInvariant = true, Exact = true,
            };
        }
    }

    private static IEnumerable<OpCase> TimestepCases
    {
        get
        {
            return [Case(5, 16), Case(1, 2), Case(3, 320), Case(32, 64) with { BenchOnly = true }];

            static OpCase Case(int n, int dim) => new(
                "elementwise/timestep_embedding",
                $"[{n}] {dim}",
                [new OpInput("t", [n], OpFill.Index(1000), Grad: false, Batched: true)],
                (tape, x) => tape.TimestepEmbedding(x[0], dim),
                x => Enumerate(n * dim, i =>
                {
                    int half = dim / 2, k = i % dim;
                    double angle = x[0][i / dim] * double.Exp(-double.Log(10000) * (k % half) / half);
                    return k < half ? double.Cos(angle) : double.Sin(angle);
                }))
            {
                Bytes = 4.0 * n * (dim + 1), BatchInvariant = true, Differentiable = false,
            };
        }
    }

    private static IEnumerable<OpCase> Activation(string name, Func<Tape, Tensor, Tensor> op, Func<double, double> reference)
    {
        return [Case([1]), Case([3, 7, 11]), Case([2, 4099]), Case([2, 33], 30f), Case([32, 16, 16, 64]) with { BenchOnly = true }];

        OpCase Case(int[] dims, float scale = 1f) => new(
            $"elementwise/{name}",
            $"{new Shape(dims)} scale {scale}",
            [new OpInput("x", dims, OpFill.Normal(0f, scale), Batched: true)],
            (tape, x) => op(tape, x[0]),
            x => Enumerate(x[0].Length, i => reference(x[0][i])))
        {
            Bytes = 8.0 * new Shape(dims).Count, BatchInvariant = true,
        };
    }

    private static double[] Enumerate(long count, Func<int, double> f)
    {
        var y = new double[count];
        for (int i = 0; i < y.Length; i++) y[i] = f(i);
        return y;
    }

    private static double ReferenceGelu(double x) => 0.5 * x * (1 + Erf(x / double.Sqrt(2)));

    /// <summary>The error function by its series of positive terms, erf(x) = 2/√π exp(-x²) Σ 2^n x^(2n+1) / (2n+1)!!.</summary>
    private static double Erf(double x)
    {
        if (double.Abs(x) > 6) return double.Sign(x);
        double term = x, sum = x;
        for (int n = 1; double.Abs(term) > 1e-17 * double.Abs(sum); n++) sum += term *= 2 * x * x / (2 * n + 1);
        return 2 / double.Sqrt(double.Pi) * double.Exp(-x * x) * sum;
    }
}
