namespace CudaAttribution.Tensors.Ops;

public static partial class BatchNormalisation
{
    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        .. new[] { true, false }.SelectMany(train => (OpCase[])
        [
            Case([3, 4, 5, 7], train), Case([5, 70], train), Case([2, 33, 3, 16], train), Case([1, 1030, 2, 5], train),
            Case([4, 4, 4, 8], train, mean: 100f), Case([3, 5, 5, 4], train, eps: 2f),
            Case([32, 56, 56, 64], train) with { BenchOnly = true }, Case([32, 7, 7, 2048], train) with { BenchOnly = true },
        ]),
        RunningCase([3, 5, 7, 6], 0.1f), RunningCase([2, 2050, 3], 0.75f), RunningCase([2, 4], 1f),
    ];

    private static OpCase Case(int[] dims, bool train, float mean = 0f, float eps = 1e-5f)
    {
        var shape = new Shape(dims);
        int c = dims[^1];
        Tensor Run(Tape tape, Tensor[] t, float e) => train
            ? tape.BatchNormTrain(t[0], t[1], t[2], null, e)
            : tape.BatchNormEval(t[0], t[1], t[2], new RunningStatistics(t[3], t[4]), e);
        List<OpInput> inputs =
        [
            new("x", shape, OpFill.Normal(mean, 2f), Batched: true),
            new("w", [c], OpFill.Normal(1f, 0.5f)),
            new("b", [c], OpFill.Normal()),
        ];
        if (!train) inputs.AddRange([new("mean", [c], OpFill.Normal(mean), Grad: false), new("var", [c], OpFill.Normal(4f, 0.5f), Grad: false)]);
        return new OpCase(
            train ? "batch_norm/train" : "batch_norm/eval",
            $"{shape} eps {eps} mean {mean}",
            inputs,
            (tape, t) => Run(tape, t, eps),
            x => Reference(x, train ? Statistics(x[0], c) : [.. x[3].Zip(x[4])], eps))
        {
            Bytes = 8.0 * shape.Count,
            BatchInvariant = !train,
            Mutants = [("eps", (tape, t) => Run(tape, t, eps + 0.5f)), ("mode", (tape, t) => Other(tape, t))],
        };

        Tensor Other(Tape tape, Tensor[] t) => train
            ? tape.BatchNormEval(t[0], t[1], t[2], new RunningStatistics(tape.Arena.Zeros([c]), tape.Arena.Zeros([c])), eps)
            : tape.BatchNormTrain(t[0], t[1], t[2], null, eps);
    }

    /// <summary>The running statistics that one batch leaves, mean then variance.</summary>
    private static OpCase RunningCase(int[] dims, float momentum)
    {
        var shape = new Shape(dims);
        int c = dims[^1];
        long rows = shape.Rows;
        return new OpCase(
            "batch_norm/running",
            $"{shape} momentum {momentum}",
            [
                new OpInput("x", shape, OpFill.Normal(1f, 2f)),
                new OpInput("mean", [c], OpFill.Normal()),
                new OpInput("var", [c], OpFill.Normal(4f, 0.5f)),
            ],
            (tape, t) => Run(tape, t, momentum),
            x =>
            {
                var batch = Statistics(x[0], c);
                return
                [
                    .. batch.Select((s, i) => ((1 - momentum) * x[1][i]) + (momentum * s.Mean)),
                    .. batch.Select((s, i) => ((1 - momentum) * x[2][i]) + (momentum * s.Variance * rows / (rows - 1))),
                ];
            })
        {
            Bytes = 4.0 * shape.Count,
            Differentiable = false,
            Mutants = [("momentum", (tape, t) => Run(tape, t, momentum / 2))],
        };

        Tensor Run(Tape tape, Tensor[] t, float m)
        {
            tape.BatchNormTrain(t[0], tape.Arena.Zeros([c]), tape.Arena.Zeros([c]), new RunningStatistics(t[1], t[2]), momentum: m);
            return tape.Concat(t[1].View(1, c), t[2].View(1, c));
        }
    }

    /// <summary>Mean and biased variance of every channel.</summary>
    private static (double Mean, double Variance)[] Statistics(double[] x, int channels)
    {
        int rows = x.Length / channels;
        return
        [
            .. Enumerable.Range(0, channels).Select(c =>
            {
                double mean = 0, variance = 0;
                for (int i = c; i < x.Length; i += channels) mean += x[i] / rows;
                for (int i = c; i < x.Length; i += channels) variance += (x[i] - mean) * (x[i] - mean) / rows;
                return (mean, variance);
            }),
        ];
    }

    private static double[] Reference(double[][] inputs, (double Mean, double Variance)[] statistics, double eps)
    {
        var (x, w, b) = (inputs[0], inputs[1], inputs[2]);
        double[] scale = [.. statistics.Select((s, c) => w[c] / double.Sqrt(s.Variance + eps))];
        var y = new double[x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            int c = i % w.Length;
            y[i] = ((x[i] - statistics[c].Mean) * scale[c]) + b[c];
        }
        return y;
    }
}
