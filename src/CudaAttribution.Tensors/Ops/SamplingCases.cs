namespace CudaAttribution.Tensors.Ops;

public static partial class Sampling
{
    private const int Steps = 10;

    /// <summary>The checked instances of the family.</summary>
    public static IEnumerable<OpCase> Cases =>
    [
        QSample(false, 3, 2, 5, 7), QSample(true, 3, 2, 5, 7), QSample(true, 1, 4099), QSample(true, 2, 1),
        QSample(true, 32, 32, 32, 3) with { BenchOnly = true },
        Ddim(true, true, 2, 3, 5), Ddim(true, false, 4099), Ddim(false, true, 7), Ddim(false, false, 1),
        Ddim(true, false, 32, 32, 32, 3) with { BenchOnly = true },
    ];

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
}
