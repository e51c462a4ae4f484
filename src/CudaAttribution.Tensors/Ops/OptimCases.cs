namespace CudaAttribution.Tensors.Ops;

public static partial class Optim
{
    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        Norm(1), Norm(4097), Norm(20000), Norm(300, scale: 1e-24f), Norm(300, scale: 1e24f), Norm(65536) with { BenchOnly = true },
        AdamW("value", 1), AdamW("value", 4099), AdamW("m", 33), AdamW("v", 33), AdamW("value", 1 << 22) with { BenchOnly = true },
        Clipped(300, 0.5f), Clipped(300, 1e6f),
        Ema(1), Ema(4099), Ema(1 << 22) with { BenchOnly = true },
    ];

    private static readonly AdamWOptions CaseOptions = new() { Epsilon = 1e-3, WeightDecay = 0.1 };

    private static OpCase Norm(int n, float scale = 1f) => new(
        "optim/gradient_norm",
        $"[{n}] scale {scale}",
        [new OpInput("gradient", [n], OpFill.Normal(0f, scale), Grad: false)],
        (tape, x) => RunNorm(tape, x[0], scale * 0.01f),
        x => ReferenceNorm(x[0], scale * 0.01f))
    {
        Bytes = 4.0 * n, Differentiable = false, Mutants = [("maxNorm", (tape, x) => RunNorm(tape, x[0], scale * 0.02f))],
    };

    /// <summary>One step, of which one of the three updated tensors is looked at.</summary>
    private static OpCase AdamW(string output, int n)
    {
        var at = CaseOptions.At(3, 0.05);
        (string, Func<Tape, Tensor[], Tensor>) Mutant(string name, AdamWFactors changed) => (name, (tape, x) => RunAdamW(tape, x, output, changed));
        return new OpCase(
            "optim/adamw",
            $"{output} [{n}]",
            AdamWInputs(n),
            (tape, x) => RunAdamW(tape, x, output, at),
            x => ReferenceAdamW(x, output, CaseOptions, 3, 0.05, 1))
        {
            Bytes = 28.0 * n, Differentiable = false,
            Mutants = output switch
            {
                "m" => [Mutant("beta1", (CaseOptions with { Beta1 = 0.8 }).At(3, 0.05))],
                "v" => [Mutant("beta2", (CaseOptions with { Beta2 = 0.99 }).At(3, 0.05))],
                _ =>
                [
                    Mutant("beta1", (CaseOptions with { Beta1 = 0.8 }).At(3, 0.05)),
                    Mutant("beta2", (CaseOptions with { Beta2 = 0.99 }).At(3, 0.05)),
                    Mutant("epsilon", (CaseOptions with { Epsilon = 1e-2 }).At(3, 0.05)),
                    Mutant("weightDecay", (CaseOptions with { WeightDecay = 0.01 }).At(3, 0.05)),
                    Mutant("step", CaseOptions.At(4, 0.05)), Mutant("learningRate", CaseOptions.At(3, 0.04)),
                ],
            },
        };
    }

    /// <summary>The norm and the step together: the clip factor goes from one to the other on the device.</summary>
    private static OpCase Clipped(int n, float maxNorm) => new(
        "optim/adamw_clipped",
        $"[{n}] to {maxNorm}",
        AdamWInputs(n),
        (tape, x) => RunAdamW(tape, x, "m", CaseOptions.At(3, 0.05), RunNorm(tape, x[1], maxNorm)),
        x => ReferenceAdamW(x, "m", CaseOptions, 3, 0.05, ReferenceNorm(x[1], maxNorm)[1]))
    {
        Bytes = 32.0 * n, Differentiable = false,
        Mutants = [("maxNorm", (tape, x) => RunAdamW(tape, x, "m", CaseOptions.At(3, 0.05), RunNorm(tape, x[1], 1e-3f)))],
    };

    private static OpCase Ema(int n) => new(
        "optim/ema",
        $"[{n}]",
        [new OpInput("average", [n], OpFill.Normal(), Grad: false), new OpInput("value", [n], OpFill.Normal(), Grad: false)],
        (tape, x) => RunEma(tape, x, 0.75),
        x => [.. x[0].Zip(x[1], (a, v) => a + 0.25 * (v - a))])
    {
        Bytes = 12.0 * n, Differentiable = false, Mutants = [("decay", (tape, x) => RunEma(tape, x, 0.5))],
    };

    private static OpInput[] AdamWInputs(int n) =>
    [
        new("value", [n], OpFill.Normal(), Grad: false), new("gradient", [n], OpFill.Normal(), Grad: false),
        new("m", [n], OpFill.Normal(), Grad: false), new("v", [n], OpFill.Normal(2f, 0.2f), Grad: false),
    ];

    private static Tensor RunNorm(Tape tape, Tensor gradient, float maxNorm)
    {
        var result = tape.New(new Shape(2));
        GradientNorm(gradient, maxNorm, tape.New(NormScratch(gradient.Count)), result);
        return result;
    }

    private static Tensor RunAdamW(Tape tape, Tensor[] x, string output, AdamWFactors factors, Tensor? norm = null)
    {
        var (value, m, v) = (Copy(tape, x[0]), Copy(tape, x[2]), Copy(tape, x[3]));
        AdamWStep(value, x[1], m, v, norm, factors);
        return output switch { "m" => m, "v" => v, _ => value };
    }

    private static Tensor RunEma(Tape tape, Tensor[] x, double decay)
    {
        var average = Copy(tape, x[0]);
        EmaStep(average, x[1], decay);
        return average;
    }

    private static Tensor Copy(Tape tape, Tensor x)
    {
        var copy = tape.New(x.Shape);
        copy.CopyFrom(x);
        return copy;
    }

    private static double[] ReferenceNorm(double[] g, double maxNorm)
    {
        double norm = double.Sqrt(g.Sum(e => e * e));
        return [norm, double.Min(1, maxNorm / (norm + 1e-6))];
    }

    private static double[] ReferenceAdamW(double[][] x, string output, AdamWOptions o, int t, double learningRate, double clip)
    {
        var result = new double[x[0].Length];
        for (int i = 0; i < result.Length; i++)
        {
            double g = x[1][i] * clip, m = o.Beta1 * x[2][i] + (1 - o.Beta1) * g, v = o.Beta2 * x[3][i] + (1 - o.Beta2) * g * g;
            double update = m / (1 - double.Pow(o.Beta1, t)) / (double.Sqrt(v / (1 - double.Pow(o.Beta2, t))) + o.Epsilon);
            result[i] = output switch { "m" => m, "v" => v, _ => x[0][i] - learningRate * (o.WeightDecay * x[0][i] + update) };
        }
        return result;
    }
}
