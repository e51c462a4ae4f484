using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Tensors.Ops;

/// <summary>
/// Transposed convolution, NHWC: the map that <see cref="Convolution"/> applies to gradients of its input (<c>kernels/conv2d.cu</c> or the chosen
/// <see cref="IMathLibrary"/>).
/// </summary>
public static class TransposedConvolution
{
    /// <summary>
    /// y[N,OH,OW,O] = transposed convolution of x[N,H,W,I] with w[I,K,K,O], plus b[O]: PyTorch's <c>ConvTranspose2d</c> with OH = (H − 1) stride
    /// − 2 padding + K + outputPadding. Files have the weights as <c>[I,O,K,K]</c>, which turns into <c>[I,K,K,O]</c> as a convolution's do.
    /// </summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x"><c>[N,H,W,I]</c>, not empty.</param>
    /// <param name="w"><c>[I,K,K,O]</c>, K at most 16.</param>
    /// <param name="b"><c>[O]</c> or null.</param>
    /// <param name="stride">At least 1.</param>
    /// <param name="padding">What is left out on every side of y, at least 0.</param>
    /// <param name="outputPadding">Rows below and columns right that the convolution of the given stride would not have reached, less than it.</param>
    /// <exception cref="ArgumentException">A type, a shape or the device of an argument does not fit.</exception>
    public static Tensor ConvTranspose2d(this Tape tape, Tensor x, Tensor w, Tensor? b, int stride = 1, int padding = 0, int outputPadding = 0)
    {
        var s = ShapeOf(tape.Device, x, w, b, stride, padding, outputPadding);
        var math = tape.Device.Math;
        var y = tape.New([s.N, s.H, s.W, s.C]);
        math.Conv2dBackwardData(s, x, w, y, accumulate: false);
        if (b is not null) InPlace.AddRowInto(tape.Device, y, b);
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
                math.Conv2dBackwardWeights(s, dy, x, dw.Tensor, dw.Accumulate);
            }
            if (x.RequiresGrad)
            {
                var (dx, accumulate) = tape.GradOf(x);
                var part = accumulate ? tape.New(x.Shape) : dx;
                math.Conv2dForward(s, dy, w, null, part);
                if (!accumulate) return;
                InPlace.AddInto(tape.Device, dx, part);
                part.Release();
            }
        });
    }

    public static IEnumerable<OpCase> Cases =>
    [
        Case("4x4 stride 2", 2, 4, 5, 6, 5, 4, 2, 1, 0),
        Case("3x3 stride 2, padded below and right", 2, 5, 3, 4, 7, 3, 2, 1, 1),
        Case("3x3", 1, 5, 4, 3, 8, 3, 1, 1, 0, bias: false),
        Case("2x2 stride 2", 3, 3, 3, 20, 5, 2, 2, 0, 0),
        Case("1x1 stride 2 leaves gaps", 1, 3, 4, 5, 3, 1, 2, 0, 1),
        Case("7x7 stride 3", 1, 3, 4, 2, 3, 7, 3, 2, 2),
        Case("more than one tile", 2, 5, 9, 70, 66, 3, 2, 1, 1),
        Case("decoder 16x16x256 to 32x32x128", 16, 16, 16, 256, 128, 4, 2, 1, 0) with { BenchOnly = true },
    ];

    /// <summary>The convolution whose input is y and whose output is x.</summary>
    private static Conv2dShape ShapeOf(ComputeDevice device, Tensor x, Tensor w, Tensor? b, int stride, int padding, int outputPadding)
    {
        const string Op = "conv_transpose2d";
        OpCheck.Argument(device, Op, x);
        OpCheck.That(x.Shape.Rank == 4 && x.Count > 0, Op, x, "[N,H,W,I], not empty");
        OpCheck.Argument(device, Op, w);
        OpCheck.That(
            w.Shape.Rank == 4 && w.Shape[0] == x.Shape[3] && w.Shape[1] == w.Shape[2] && w.Shape[1] <= Convolution.MaxKernel && w.Count > 0,
            Op,
            w,
            $"[{x.Shape[3]},K,K,O] for x {x.Shape}, K at most {Convolution.MaxKernel}");
        if (b is not null) OpCheck.Argument(device, Op, b, new Shape(w.Shape[3]));
        if (stride < 1) throw new ArgumentException($"{Op}: stride is {stride}, it must be at least 1", nameof(stride));
        if (padding < 0) throw new ArgumentException($"{Op}: padding is {padding}, it must not be negative", nameof(padding));
        if (outputPadding < 0 || outputPadding >= stride)
        {
            throw new ArgumentException($"{Op}: outputPadding is {outputPadding}, it must lie between 0 and stride - 1 = {stride - 1}", nameof(outputPadding));
        }
        int Extent(int input) => OpCheck.Int(Op, ((input - 1L) * stride) - (2L * padding) + w.Shape[1] + outputPadding, "an extent of y");
        var s = new Conv2dShape(x.Shape[0], Extent(x.Shape[1]), Extent(x.Shape[2]), w.Shape[3], w.Shape[0], w.Shape[1], stride, padding, padding);
        OpCheck.That(s.H > 0 && s.W > 0, Op, x, $"large enough for the padding of {padding} to leave something");
        return s;
    }

    private static OpCase Case(
        string name, int n, int h, int w, int inputs, int outputs, int kernel, int stride, int padding, int outputPadding, bool bias = true)
    {
        List<OpInput> arguments =
        [
            new("x", [n, h, w, inputs], OpFill.Normal(), Batched: true, Operand: true),
            new("w", [inputs, kernel, kernel, outputs], OpFill.Normal(0, 1f / MathF.Sqrt(kernel * kernel * inputs)), Operand: true),
        ];
        if (bias) arguments.Add(new("b", [outputs], OpFill.Normal()));
        int outH = ((h - 1) * stride) - (2 * padding) + kernel + outputPadding, outW = ((w - 1) * stride) - (2 * padding) + kernel + outputPadding;
        Tensor Run(Tape tape, Tensor[] t, int pad, int extra) => tape.ConvTranspose2d(t[0], t[1], bias ? t[2] : null, stride, pad, extra);
        List<(string, Func<Tape, Tensor[], Tensor>)> mutants = [];
        if (padding > 0) mutants.Add(("padding", (tape, t) => Run(tape, t, padding - 1, outputPadding)));
        if (stride > 1) mutants.Add(("outputPadding", (tape, t) => Run(tape, t, padding, outputPadding == 0 ? 1 : 0)));
        if (bias) mutants.Add(("bias", (tape, t) => tape.ConvTranspose2d(t[0], t[1], null, stride, padding, outputPadding)));
        return new OpCase(
            "conv_transpose2d",
            name,
            arguments,
            (tape, t) => Run(tape, t, padding, outputPadding),
            a => Reference(a[0], a[1], bias ? a[2] : null))
        {
            Flops = 2.0 * n * h * w * inputs * outputs * kernel * kernel,
            Bytes = 4.0 * (arguments.Sum(a => a.Shape.Count) + ((long)n * outH * outW * outputs)),
            Mutants = mutants,
            BatchInvariant = true,
        };

        // Every pixel of x adds the kernel, weighted by its value, to y.
        double[] Reference(double[] x, double[] weights, double[]? b)
        {
            var y = new double[n * outH * outW * outputs];
            if (b is not null)
            {
                for (int i = 0; i < y.Length; i++) y[i] = b[i % outputs];
            }
            for (int i = 0; i < x.Length; i++)
            {
                int from = i % inputs, ix = i / inputs % w, iy = i / inputs / w % h, sample = i / inputs / w / h;
                for (int kh = 0; kh < kernel; kh++)
                    for (int kw = 0; kw < kernel; kw++)
                    {
                        int oy = (iy * stride) - padding + kh, ox = (ix * stride) - padding + kw;
                        if (oy < 0 || oy >= outH || ox < 0 || ox >= outW) continue;
                        for (int o = 0; o < outputs; o++)
                        {
                            y[(((((sample * outH) + oy) * outW) + ox) * outputs) + o] += x[i] * weights[(((((from * kernel) + kh) * kernel) + kw) * outputs) + o];
                        }
                    }
            }
            return y;
        }
    }
}
