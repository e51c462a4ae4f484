using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Tensors.Ops;

/// <summary>Two-dimensional convolution, NHWC (<c>kernels/conv2d.cu</c> or the chosen <see cref="IMathLibrary"/>).</summary>
public static class Convolution
{
    /// <summary>Largest kernel side: the kernels keep a bit per row and per column of theirs in 32 bits.</summary>
    internal const int MaxKernel = 16;

    /// <summary>y[N,OH,OW,O] = x[N,H,W,C] * w[O,K,K,C] + b[O]; zero padding.</summary>
    /// <param name="padBegin">Rows above and columns left.</param>
    /// <param name="padEnd">Rows below and columns right.</param>
    /// <exception cref="ArgumentException">A type, a shape or the device of an argument does not fit.</exception>
    public static Tensor Conv2d(this Tape tape, Tensor x, Tensor w, Tensor? b, int stride = 1, int padBegin = 1, int padEnd = 1)
    {
        var s = ShapeOf(tape.Device, x, w, b, stride, padBegin, padEnd);
        var math = tape.Device.Math;
        var y = tape.New(new Shape(s.N, s.OutH, s.OutW, s.O));
        math.Conv2dForward(s, x, w, b, y);
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
                math.Conv2dBackwardWeights(s, x, dy, dw.Tensor, dw.Accumulate);
            }
            if (x.RequiresGrad)
            {
                var dx = tape.GradOf(x);
                math.Conv2dBackwardData(s, dy, w, dx.Tensor, dx.Accumulate);
            }
        });
    }

    public static IEnumerable<OpCase> Cases =>
    [
        Case("3x3", 2, 5, 7, 12, 20, 3, 1, 1, 1),
        Case("3x3 few channels", 3, 8, 8, 3, 5, 3, 1, 1, 1),
        Case("3x3 no bias", 1, 4, 4, 8, 8, 3, 1, 1, 1, bias: false),
        Case("3x3 stride 2", 2, 8, 6, 6, 10, 3, 2, 1, 1),
        Case("3x3 stride 2, padded below and right only", 1, 8, 8, 5, 7, 3, 2, 0, 1),
        Case("1x1", 2, 5, 3, 70, 66, 1, 1, 0, 0),
        Case("5x5 stride 3", 2, 7, 9, 4, 6, 5, 3, 2, 2),
        Case("7x7 stride 2", 2, 15, 13, 3, 8, 7, 2, 3, 3, bias: false),
        Case("7x7 stride 2 of even pictures", 1, 16, 12, 5, 6, 7, 2, 3, 3),
        Case("7x7 larger than the picture", 2, 3, 2, 17, 9, 7, 1, 3, 3),
        Case("16x16 stride 5", 1, 19, 22, 2, 3, 16, 5, 7, 8),
        Case("3x3 of 48 channels", 1, 4, 4, 48, 48, 3, 1, 1, 1),
        Case("3x3 more than one tile", 2, 9, 9, 68, 72, 3, 1, 1, 1),
        Case("demo 16x16x64", 32, 16, 16, 64, 64, 3, 1, 1, 1) with { BenchOnly = true },
        Case("demo 8x8x128", 32, 8, 8, 128, 128, 3, 1, 1, 1) with { BenchOnly = true },
        Case("ResNet 224x224x3, 7x7 stride 2", 8, 224, 224, 3, 64, 7, 2, 3, 3, bias: false) with { BenchOnly = true },
        .. StableDiffusionShapes.Select(s => Case($"SD {s.Side}x{s.Side}, {s.C} to {s.O}", 2, s.Side, s.Side, s.C, s.O, 3, 1, 1, 1) with { BenchOnly = true }),
    ];

    /// <summary>The 3x3 convolutions that a guided step of Stable Diffusion v1.5 spends most on.</summary>
    private static (int Side, int C, int O)[] StableDiffusionShapes =>
    [
        (64, 320, 320), (64, 640, 320), (32, 640, 640), (32, 1280, 640), (16, 1280, 1280), (16, 2560, 1280), (8, 1280, 1280), (8, 2560, 1280),
    ];

    private static Conv2dShape ShapeOf(ComputeDevice device, Tensor x, Tensor w, Tensor? b, int stride, int padBegin, int padEnd)
    {
        const string Op = "conv2d";
        OpCheck.Argument(device, Op, x);
        OpCheck.That(x.Shape.Rank == 4, Op, x, "[N,H,W,C]");
        OpCheck.Argument(device, Op, w);
        OpCheck.That(
            w.Shape.Rank == 4 && w.Shape[1] == w.Shape[2] && w.Shape[1] <= MaxKernel && w.Shape[3] == x.Shape[3],
            Op,
            w,
            $"[O,K,K,{x.Shape[3]}] for x {x.Shape}, K at most {MaxKernel}");
        if (b is not null) OpCheck.Argument(device, Op, b, new Shape(w.Shape[0]));
        if (stride < 1) throw new ArgumentException($"{Op}: stride is {stride}, it must be at least 1", nameof(stride));
        if (padBegin < 0) throw new ArgumentException($"{Op}: padBegin is {padBegin}, it must not be negative", nameof(padBegin));
        if (padEnd < 0) throw new ArgumentException($"{Op}: padEnd is {padEnd}, it must not be negative", nameof(padEnd));
        var s = new Conv2dShape(x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], w.Shape[0], w.Shape[1], stride, padBegin, padEnd);
        OpCheck.That(s.OutH > 0 && s.OutW > 0, Op, x, $"at least as large as the kernel of {s.Kernel} once it is padded by {padBegin} and {padEnd}");
        return s;
    }

    private static OpCase Case(string name, int n, int h, int w, int c, int o, int kernel, int stride, int padBegin, int padEnd, bool bias = true)
    {
        var s = new Conv2dShape(n, h, w, c, o, kernel, stride, padBegin, padEnd);
        float scale = 1f / MathF.Sqrt(kernel * kernel * c);
        List<OpInput> inputs =
        [
            new("x", new Shape(n, h, w, c), OpFill.Normal(), Batched: true, Operand: true),
            new("w", new Shape(o, kernel, kernel, c), OpFill.Normal(0, scale), Operand: true),
        ];
        if (bias) inputs.Add(new("b", new Shape(o), OpFill.Normal()));
        Tensor Run(Tape tape, Tensor[] t, int stride, int begin, int end) => tape.Conv2d(t[0], t[1], bias ? t[2] : null, stride, begin, end);
        List<(string, Func<Tape, Tensor[], Tensor>)> mutants = [("padding", (tape, t) => Run(tape, t, stride, padBegin + 1, padEnd))];
        if (stride > 1) mutants.Add(("stride", (tape, t) => Run(tape, t, 1, padBegin, padEnd)));
        if (bias) mutants.Add(("bias", (tape, t) => tape.Conv2d(t[0], t[1], null, stride, padBegin, padEnd)));
        return new OpCase(
            "conv2d",
            name,
            inputs,
            (tape, t) => Run(tape, t, stride, padBegin, padEnd),
            a => Reference(s, a[0], a[1], bias ? a[2] : null))
        {
            Flops = s.Flops,
            Bytes = 4.0 * (inputs.Sum(i => i.Shape.Count) + ((long)n * s.OutH * s.OutW * o)),
            Mutants = mutants,
            BatchInvariant = true,
        };
    }

    private static double[] Reference(Conv2dShape s, double[] x, double[] w, double[]? b)
    {
        var y = new double[(long)s.N * s.OutH * s.OutW * s.O];
        int at = 0;
        for (int n = 0; n < s.N; n++)
            for (int oh = 0; oh < s.OutH; oh++)
                for (int ow = 0; ow < s.OutW; ow++)
                    for (int o = 0; o < s.O; o++)
                    {
                        double sum = b?[o] ?? 0;
                        for (int kh = 0; kh < s.Kernel; kh++)
                            for (int kw = 0; kw < s.Kernel; kw++)
                            {
                                int ih = (oh * s.Stride) - s.PadBegin + kh, iw = (ow * s.Stride) - s.PadBegin + kw;
                                if (ih < 0 || ih >= s.H || iw < 0 || iw >= s.W) continue;
                                int from = ((((n * s.H) + ih) * s.W) + iw) * s.C, weight = ((((o * s.Kernel) + kh) * s.Kernel) + kw) * s.C;
                                for (int c = 0; c < s.C; c++) sum += x[from + c] * w[weight + c];
                            }
                        y[at++] = sum;
                    }
        return y;
    }
}
