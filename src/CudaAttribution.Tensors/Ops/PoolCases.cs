namespace CudaAttribution.Tensors.Ops;

public static partial class Pool
{
    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases => [.. MaxCases, .. AvgCases, .. GlobalAvgCases, .. GemCases];

    private static IEnumerable<OpCase> MaxCases
    {
        get
        {
            return
            [
                Case([2, 8, 8, 5], 3, 2, 1), Case([1, 7, 9, 3], 3, 2, 1, mean: -5f), Case([2, 6, 5, 18], 2, 2, 0), Case([1, 9, 4, 2], 4, 3, 2),
                Case([2, 5, 5, 4], 3, 1, 1), Case([1, 3, 3, 7], 1, 2, 0), Case([1, 18, 17, 1], 16, 1, 8), Case([3, 7, 7, 1], 2, 5, 1),
                Case([32, 112, 112, 64], 3, 2, 1) with { BenchOnly = true },
            ];

            static OpCase Case(int[] dims, int kernel, int stride, int padding, float mean = 0f) => Windowed(
                "max",
                dims,
                (kernel, stride, padding),
                $", mean {mean}",
                mean,
                (tape, x) => tape.MaxPool2d(x, kernel, stride, padding),
                x => Reference(dims, kernel, stride, padding, x, window => window.Max()),
                [
                    ("kernel", (tape, x) => tape.MaxPool2d(x[0], kernel == 2 ? 3 : 2, stride, padding == 0 ? 0 : 1)),
                    ("stride", (tape, x) => tape.MaxPool2d(x[0], kernel, stride + 1, padding)),
                    .. kernel > 1 ? (IEnumerable<(string, Func<Tape, Tensor[], Tensor>)>)
                        [("padding", (tape, x) => tape.MaxPool2d(x[0], kernel, stride, padding == 0 ? 1 : 0))] : [],
                ]);
        }
    }

    private static IEnumerable<OpCase> AvgCases
    {
        get
        {
            return
            [
                .. new[] { true, false }.SelectMany(count => (OpCase[])
                [
                    Case([2, 8, 8, 5], 3, 2, 1, count), Case([1, 9, 4, 18], 4, 3, 2, count), Case([2, 5, 6, 3], 5, 1, 2, count),
                ]),
                Case([2, 6, 7, 4], 2, 2, 0, true), Case([1, 3, 3, 7], 1, 2, 0, false), Case([3, 7, 7, 1], 2, 5, 1, false),
                Case([32, 112, 112, 64], 3, 2, 1, true) with { BenchOnly = true },
            ];

            static OpCase Case(int[] dims, int kernel, int stride, int padding, bool count) => Windowed(
                "avg",
                dims,
                (kernel, stride, padding),
                count ? " counted" : "",
                1f,
                (tape, x) => tape.AvgPool2d(x, kernel, stride, padding, count),
                x => Reference(dims, kernel, stride, padding, x, window => window.Sum() / (count ? kernel * kernel : window.Count)),
                [
                    ("stride", (tape, x) => tape.AvgPool2d(x[0], kernel, stride + 1, padding, count)),
                    .. padding > 0 ? (IEnumerable<(string, Func<Tape, Tensor[], Tensor>)>)
                    [
                        ("padding", (tape, x) => tape.AvgPool2d(x[0], kernel, stride, 0, count)),
                        ("countIncludePad", (tape, x) => tape.AvgPool2d(x[0], kernel, stride, padding, !count)),
                    ] : [],
                ]);
        }
    }

    private static IEnumerable<OpCase> GlobalAvgCases
    {
        get
        {
            return
            [
                Case(2, 7, 7, 5), Case(3, 1, 1, 4), Case(1, 40, 3, 70), Case(2, 33, 1), Case(2, 3, 2, 2, 3),
                Case(32, 7, 7, 2048) with { BenchOnly = true },
            ];

            static OpCase Case(params int[] dims)
            {
                int samples = dims[0], channels = dims[^1], pixels = (int)(new Shape(dims).Count / samples / channels);
                return new OpCase(
                    "pool/global_avg",
                    $"{new Shape(dims)}",
                    [new OpInput("x", dims, OpFill.Normal(1f), Batched: true)],
                    (tape, x) => tape.GlobalAvgPool(x[0]),
                    x => [.. Enumerable.Range(0, samples * channels).Select(i => Enumerable.Range(0, pixels)
                        .Average(p => x[0][(((i / channels * pixels) + p) * channels) + (i % channels)]))])
                {
                    Bytes = 4.0 * samples * channels * (pixels + 1),
                    BatchInvariant = true,
                };
            }
        }
    }

    private static IEnumerable<OpCase> GemCases
    {
        get
        {
            return
            [
                Case(1e-6f, 1f, 2, 7, 7, 5), Case(1e-6f, 1f, 3, 1, 1, 4), Case(1e-6f, 2f, 1, 40, 3, 70), Case(1e-6f, 1f, 2, 33, 1),
                Case(0.5f, 1f, 2, 3, 2, 2, 3), Case(1e-6f, -20f, 2, 5, 4), // the last: all below eps
                Case(1e-6f, 1f, 32, 10, 10, 2048) with { BenchOnly = true },
            ];

            static OpCase Case(float eps, float mean, params int[] dims)
            {
                int samples = dims[0], channels = dims[^1], pixels = (int)(new Shape(dims).Count / samples / channels);
                return new OpCase(
                    "pool/gem",
                    $"{new Shape(dims)} eps {eps}, mean {mean}",
                    [new OpInput("x", dims, OpFill.Normal(mean), Batched: true)],
                    (tape, x) => tape.GemPool(x[0], eps),
                    x => [.. Enumerable.Range(0, samples * channels).Select(i => double.Cbrt(Enumerable.Range(0, pixels)
                        .Average(p => Math.Pow(Math.Max(x[0][(((i / channels * pixels) + p) * channels) + (i % channels)], eps), 3))))])
                {
                    Bytes = 4.0 * samples * channels * (pixels + 1),
                    BatchInvariant = true,
                    Mutants = [("eps", (tape, x) => tape.GemPool(x[0], eps == 1f ? 0.5f : 1f))],
                };
            }
        }
    }

    private static OpCase Windowed(
        string op, int[] dims, (int Kernel, int Stride, int Padding) window, string name, float mean, Func<Tape, Tensor, Tensor> run,
        Func<double[], double[]> reference, IReadOnlyList<(string, Func<Tape, Tensor[], Tensor>)> mutants)
    {
        long Windows(int extent) => ((extent + (2 * window.Padding) - window.Kernel) / window.Stride) + 1;
        return new OpCase(
            $"pool/{op}",
            $"{new Shape(dims)} by {window.Kernel}, stride {window.Stride}, padding {window.Padding}{name}",
            [new OpInput("x", dims, OpFill.Normal(mean), Batched: true)],
            (tape, x) => run(tape, x[0]),
            x => reference(x[0]))
        {
            Bytes = 4.0 * (new Shape(dims).Count + (dims[0] * Windows(dims[1]) * Windows(dims[2]) * dims[3])),
            BatchInvariant = true,
            Mutants = mutants,
        };
    }

    /// <summary>Of each window the pixels that lie in the picture, reduced to one value.</summary>
    private static double[] Reference(int[] dims, int kernel, int stride, int padding, double[] x, Func<List<double>, double> reduce)
    {
        int h = dims[1], w = dims[2], channels = dims[3];
        var y = new List<double>();
        var window = new List<double>();
        for (int n = 0; n < dims[0]; n++)
            for (int top = -padding; top + kernel <= h + padding; top += stride)
                for (int left = -padding; left + kernel <= w + padding; left += stride)
                    for (int c = 0; c < channels; c++)
                    {
                        window.Clear();
                        for (int iy = int.Max(top, 0); iy < int.Min(top + kernel, h); iy++)
                            for (int ix = int.Max(left, 0); ix < int.Min(left + kernel, w); ix++) window.Add(x[(((((n * h) + iy) * w) + ix) * channels) + c]);
                        y.Add(reduce(window));
                    }
        return [.. y];
    }
}
