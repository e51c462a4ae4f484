namespace CudaAttribution.Tensors.Ops;

public static partial class DotProductAttention
{
    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases => [.. AttentionCases, .. SoftmaxCases];

    private static IEnumerable<OpCase> AttentionCases =>
    [
        Attend("one query", 2, 1, 7, 8, 2),
        Attend("one key", 2, 3, 1, 8, 2),
        Attend("self", 2, 9, 9, 16, 2),
        Attend("self causal", 2, 9, 9, 16, 2, causal: true),
        Attend("cross, few keys", 3, 5, 7, 12, 3),
        Attend("cross, more than one tile of keys", 1, 3, 77, 8, 1),
        Attend("self, more than one tile of queries", 1, 70, 70, 4, 1),
        Attend("self causal, more than one tile", 1, 70, 70, 4, 1, causal: true),
        Attend("heads 40 wide", 1, 17, 35, 40, 1),
        Attend("heads 160 wide", 1, 5, 6, 160, 1),
        Attend("heads 68 wide, more than one tile", 1, 18, 34, 68, 1),
        Attend("heads 68 wide causal, more than one tile", 1, 34, 34, 68, 1, causal: true),
        Attend("large scores", 2, 6, 40, 8, 1, scale: 12f),
        Attend("one head 512 wide", 2, 19, 35, 512, 1),
        Attend("one head 164 wide, more than one tile", 1, 18, 40, 164, 1),
        AttendItself(2, 5, 8, 2),
        Attend("demo self 8x8", 32, 64, 64, 64, 4) with { BenchOnly = true },
        Attend("demo self 8x8", 32, 64, 64, 128, 4) with { BenchOnly = true },
        Attend("demo cross 8x8", 32, 64, 20, 64, 4) with { BenchOnly = true },
        Attend("demo self 16x16", 32, 256, 256, 64, 2) with { BenchOnly = true },
        Attend("demo text", 32, 20, 20, 64, 4, causal: true) with { BenchOnly = true },
        Attend("SD self 32x32", 2, 1024, 1024, 640, 8) with { BenchOnly = true },
        Attend("SD cross 32x32", 2, 1024, 77, 640, 8) with { BenchOnly = true },
        Attend("SD self 64x64", 2, 4096, 4096, 320, 8) with { BenchOnly = true },
        Attend("SD cross 64x64", 2, 4096, 77, 320, 8) with { BenchOnly = true },
        Attend("SD self 16x16", 2, 256, 256, 1280, 8) with { BenchOnly = true },
    ];

    private static IEnumerable<OpCase> SoftmaxCases =>
    [
        Normalise([5]), Normalise([3, 5, 7]), Normalise([2, 33]), Normalise([70, 4]), Normalise([2, 4099]), Normalise([5, 40], 30f),
        Normalise([8192, 77]) with { BenchOnly = true },
    ];

    private static OpCase Attend(string name, int n, int l, int s, int c, int heads, bool causal = false, float scale = 1f)
    {
        double pairs = (double)n * heads * (causal ? l * (l + 1.0) / 2 : (double)l * s);
        List<(string, Func<Tape, Tensor[], Tensor>)> mutants = [];
        int otherHeads = heads == 1 ? 2 : 1;
        if (s > 1 && c % (4 * otherHeads) == 0) mutants.Add(("heads", (tape, x) => tape.Attention(x[0], x[1], x[2], otherHeads, causal)));
        if (s > 1 && l == s) mutants.Add(("causal", (tape, x) => tape.Attention(x[0], x[1], x[2], heads, !causal)));
        return new OpCase(
            "attention/attention",
            $"{name} [{n},{l},{c}] x {s}, heads {heads}, scale {scale}",
            [
                // With a single key the weights are constant: the gradients of q and k are zero, which no relative error can measure.
                new OpInput("q", [n, l, c], OpFill.Normal(0f, scale), Grad: s > 1, Batched: true),
                new OpInput("k", [n, s, c], OpFill.Normal(), Grad: s > 1, Batched: true),
                new OpInput("v", [n, s, c], OpFill.Normal(), Batched: true),
            ],
            (tape, x) => tape.Attention(x[0], x[1], x[2], heads, causal),
            x => ReferenceAttention(x, n, l, s, c, heads, causal))
        {
            Flops = 4 * pairs * (c / heads),
            Bytes = 8.0 * n * c * ((double)l + s),
            BatchInvariant = true,
            Differentiable = c / heads <= MaxHeadWidth,
            Mutants = mutants,
        };
    }

    /// <summary>One tensor as q, k and v: its gradient gathers three parts, two of them in one launch.</summary>
    private static OpCase AttendItself(int n, int l, int c, int heads) => new(
        "attention/attention",
        $"one tensor as q, k and v [{n},{l},{c}], heads {heads}",
        [new OpInput("x", [n, l, c], OpFill.Normal(), Batched: true)],
        (tape, x) => tape.Attention(x[0], x[0], x[0], heads),
        x => ReferenceAttention([x[0], x[0], x[0]], n, l, l, c, heads, causal: false))
    {
        Flops = 4.0 * n * l * l * c, Bytes = 8.0 * n * l * c, BatchInvariant = true,
    };

    private static OpCase Normalise(int[] dims, float scale = 2f)
    {
        var shape = new Shape(dims);
        return new OpCase(
            "attention/softmax",
            $"{shape} scale {scale}",
            [new OpInput("x", shape, OpFill.Normal(0f, scale), Batched: dims.Length > 1)],
            (tape, x) => tape.Softmax(x[0]),
            x => ReferenceSoftmax(x[0], dims[^1]))
        {
            Bytes = 8.0 * shape.Count,
            BatchInvariant = dims.Length > 1,
        };
    }

    private static double[] ReferenceAttention(double[][] inputs, int n, int l, int s, int c, int heads, bool causal)
    {
        var (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        var o = new double[q.Length];
        int d = c / heads;
        for (int row = 0; row < n * l; row++)
        {
            int seen = causal ? row % l + 1 : s;
            for (int h = 0; h < heads; h++)
            {
                var scores = new double[seen];
                var query = q.AsSpan(row * c + h * d, d);
                for (int j = 0; j < seen; j++)
                {
                    var key = k.AsSpan((row / l * s + j) * c + h * d, d);
                    double dot = 0;
                    for (int i = 0; i < d; i++) dot += query[i] * key[i];
                    scores[j] = dot / double.Sqrt(d);
                }
                var weights = ReferenceSoftmax(scores, seen);
                var output = o.AsSpan(row * c + h * d, d);
                for (int j = 0; j < seen; j++)
                {
                    var value = v.AsSpan((row / l * s + j) * c + h * d, d);
                    for (int i = 0; i < d; i++) output[i] += weights[j] * value[i];
                }
            }
        }
        return o;
    }

    private static double[] ReferenceSoftmax(double[] x, int columns)
    {
        var y = new double[x.Length];
        for (int row = 0; row < x.Length; row += columns)
        {
            double most = double.NegativeInfinity, sum = 0;
            for (int i = row; i < row + columns; i++) most = double.Max(most, x[i]);
            for (int i = row; i < row + columns; i++) sum += y[i] = double.Exp(x[i] - most);
            for (int i = row; i < row + columns; i++) y[i] /= sum;
        }
        return y;
    }
}
