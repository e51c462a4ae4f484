using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Linear layers (<c>kernels/gemm.cu</c> or the chosen <see cref="IMathLibrary"/>).</summary>
public static class Gemm
{
    /// <summary>y[...,O] = x[...,I] · w[O,I]ᵀ + b[O].</summary>
    /// <exception cref="ArgumentException">A type, a shape or the device of an argument does not fit.</exception>
    public static Tensor Linear(this Tape tape, Tensor x, Tensor w, Tensor? b)
    {
        const string Op = "linear";
        OpCheck.Argument(tape.Device, Op, x);
        OpCheck.That(x.Shape.Rank >= 1, Op, x, "[...,I]");
        OpCheck.Argument(tape.Device, Op, w);
        OpCheck.That(w.Shape.Rank == 2 && w.Shape[1] == x.Shape[^1], Op, w, $"[O,{x.Shape[^1]}] for x {x.Shape}");
        int o = w.Shape[0], i = w.Shape[1], m = OpCheck.Int(Op, x.Shape.Rows, "the number of rows");
        if (b is not null) OpCheck.Argument(tape.Device, Op, b, new Shape(o));
        int[] dims = x.Shape.ToArray();
        dims[^1] = o;
        var math = tape.Device.Math;
        var y = tape.New(dims);
        math.LinearForward(m, o, i, x, w, b, y);
        return tape.Record(y, [x, w, b], dy =>
        {
            if (b is { RequiresGrad: true })
            {
                var db = tape.GradOf(b);
                KernelMath.BiasGradient(tape.Device, dy, db.Tensor, db.Accumulate);
            }
            if (w.RequiresGrad)
            {
                var dw = tape.GradOf(w);
                math.LinearBackwardWeights(m, o, i, x, dy, dw.Tensor, dw.Accumulate);
            }
            if (x.RequiresGrad)
            {
                var dx = tape.GradOf(x);
                math.LinearBackwardData(m, o, i, dy, w, dx.Tensor, dx.Accumulate);
            }
        });
    }

    public static IEnumerable<OpCase> Cases =>
    [
        Case("tokens", [3, 7, 24], 20, true),
        Case("one row", [1, 33], 5, true),
        Case("no bias", [2, 9, 16], 16, false),
        Case("more than one tile", [2, 50, 130], 70, true),
        Case("more than one split of rows", [1, 1030, 4], 3, true),
        Case("demo feed-forward", [32, 64, 64], 512, true) with { BenchOnly = true },
        .. StableDiffusionShapes.Select(s => Case($"SD {s.Rows}x{s.I}x{s.O}", [2, s.Rows, s.I], s.O, true) with { BenchOnly = true }),
    ];

    /// <summary>Projections and feed-forward products of a guided step of Stable Diffusion v1.5, rows of one of its two samples.</summary>
    private static (int Rows, int I, int O)[] StableDiffusionShapes =>
    [
        (4096, 320, 320), (4096, 320, 2560), (4096, 1280, 320), (1024, 640, 640), (1024, 640, 5120), (1024, 2560, 640), (256, 1280, 1280),
        (256, 1280, 10240), (256, 5120, 1280),
    ];

    private static OpCase Case(string name, int[] shape, int o, bool bias)
    {
        int i = shape[^1], m = (int)new Shape(shape).Rows;
        List<OpInput> inputs =
        [
            new("x", shape, OpFill.Normal(), Batched: true, Operand: true),
            new("w", new Shape(o, i), OpFill.Normal(0, 1f / MathF.Sqrt(i)), Operand: true),
        ];
        if (bias) inputs.Add(new("b", new Shape(o), OpFill.Normal()));
        return new OpCase(
            "gemm/linear",
            name,
            inputs,
            (tape, t) => tape.Linear(t[0], t[1], bias ? t[2] : null),
            a => Reference(m, o, i, a[0], a[1], bias ? a[2] : null))
        {
            Flops = 2.0 * m * o * i,
            Bytes = 4.0 * (inputs.Sum(t => t.Shape.Count) + ((long)m * o)),
            Mutants = bias ? [("bias", (tape, t) => tape.Linear(t[0], t[1], null))] : [],
            BatchInvariant = true,
        };
    }

    private static double[] Reference(int m, int o, int i, double[] x, double[] w, double[]? b)
    {
        var y = new double[(long)m * o];
        for (int r = 0; r < m; r++)
            for (int c = 0; c < o; c++)
            {
                double sum = b?[c] ?? 0;
                for (int k = 0; k < i; k++) sum += x[(r * i) + k] * w[(c * i) + k];
                y[(r * o) + c] = sum;
            }
        return y;
    }
}
