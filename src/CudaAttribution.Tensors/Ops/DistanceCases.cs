namespace CudaAttribution.Tensors.Ops;

public static partial class Distance
{
    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Whole(1, 1, 1), Whole(3, 5, 2, 3, 3), Whole(2, 35, 11), Whole(33, 2, 513), Whole(2, 2, 40_000),
        Whole(64, 1000, 32, 32, 3) with { BenchOnly = true }, Whole(32, 64, 512, 512, 3) with { BenchOnly = true },
        Tiled(1, 2, 3, 1, 2), Tiled(4, 3, 2, 9, 7), Tiled(2, 1, 33, 5, 400), Tiled(3, 2, 2, 8, 6),
        Tiled(4, 64, 1000, 64, 64) with { BenchOnly = true },
    ];

    private static OpCase Whole(int n, int m, params int[] image)
    {
        int bytes = (int)new Shape(image).Count;
        return new OpCase(
            "distance/squared",
            $"{n} x {m} of {new Shape(image)}",
            Images(n, m, image),
            (tape, x) =>
            {
                var y = tape.New([x[0].Shape[0], x[1].Shape[0]], DType.I64);
                Squared(x[0], x[1], y);
                return y;
            },
            x => Sums(x, n, m, bytes, 1, _ => 0))
        {
            Flops = 3.0 * n * m * bytes, Bytes = (double)(n + m) * bytes + 8.0 * n * m, Differentiable = false, Exact = true, BatchInvariant = true,
        };
    }

    private static OpCase Tiled(int k, int n, int m, int h, int w)
    {
        int bytes = 3 * h * w;
        return new OpCase(
            "distance/squared_tiles",
            $"{n} x {m} of {h} x {w} in {k} x {k}",
            Images(n, m, [h, w, 3]),
            (tape, x) => Run(tape, x, k),
            x => Sums(x, n, m, bytes, k * k, e => TileOf(e / 3 / w, h) * k + TileOf(e / 3 % w, w)))
        {
            Flops = 3.0 * n * m * bytes, Bytes = (double)(n + m) * bytes + 8.0 * n * m * k * k, Differentiable = false, Exact = true,
            BatchInvariant = true, Mutants = k > 1 ? [("k", (tape, x) => Run(tape, x, k - 1))] : [],
        };

        int TileOf(int line, int total) => Enumerable.Range(0, k).Last(i => (long)total * i / k <= line);

        static Tensor Run(Tape tape, Tensor[] x, int k)
        {
            var y = tape.New([x[0].Shape[0], x[1].Shape[0], k * k], DType.I64);
            SquaredTiles(x[0], x[1], k, y);
            return y;
        }
    }

    private static OpInput[] Images(int n, int m, int[] image) =>
    [
        new("a", [n, .. image], OpFill.Pixels(), Grad: false, Batched: true), new("b", [m, .. image], OpFill.Pixels(), Grad: false),
    ];

    private static double[] Sums(double[][] x, int n, int m, int bytes, int tiles, Func<int, int> tileOf)
    {
        var y = new double[n * m * tiles];
        for (int e = 0; e < bytes; e++)
        {
            int tile = tileOf(e);
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < m; j++)
                {
                    double d = x[0][i * bytes + e] - x[1][j * bytes + e];
                    y[(i * m + j) * tiles + tile] += d * d;
                }
            }
        }
        return y;
    }
}
