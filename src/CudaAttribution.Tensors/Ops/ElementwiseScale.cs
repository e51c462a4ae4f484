using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

public static partial class Elementwise
{
    /// <summary>y = factor · x.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x">Any shape.</param>
    /// <param name="factor">A constant.</param>
    public static Tensor Scale(this Tape tape, Tensor x, float factor)
    {
        OpCheck.Argument(tape.Device, "scale", x);
        var y = tape.New(x.Shape);
        ScaleInto(x, factor, y);
        return tape.Record(y, [x], dy =>
        {
            // A block of its own: the gradient that comes in may be shared with another input of what made it.
            var scaled = tape.New(x.Shape);
            ScaleInto(dy, factor, scaled);
            tape.PassGrad(x, scaled);
            scaled.Release();
        });
    }

    /// <summary>y = factor · x.</summary>
    /// <param name="x">F32, any shape.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="destination">Shaped as <paramref name="x"/>; may be <paramref name="x"/> itself.</param>
    public static void ScaleInto(Tensor x, float factor, Tensor destination)
    {
        OpCheck.Argument(x.Device, "scale_into", x);
        OpCheck.Argument(x.Device, "scale_into", destination, x.Shape);
        x.Device.Launch("scale_f32", Tiles.Flat(x.Count), new ScaleParams
        {
            X = x.Pointer, Y = destination.Pointer, N = x.Count, Factor = factor,
        });
    }

    private static IEnumerable<OpCase> ScaleCases
    {
        get
        {
            return
            [
                Case(0.25f, 3, 5, 7), Case(-2f, 1), Case(0.5f, 2, 4099), Case(2f, 32, 256, 8) with { BenchOnly = true },
                IntoCase(5, 7, 3), IntoCase(4099),
            ];

            static OpCase Case(float factor, params int[] dims) => new(
                "elementwise/scale",
                $"{new Shape(dims)} by {factor}",
                [new OpInput("x", dims, OpFill.Normal(), Batched: true)],
                (tape, x) => tape.Scale(x[0], factor),
                x => Enumerate(x[0].Length, i => factor * x[0][i]))
            {
                Bytes = 8.0 * new Shape(dims).Count, BatchInvariant = true, Mutants = [("factor", (tape, x) => tape.Scale(x[0], 2 * factor))],
            };
        }
    }

    private static OpCase IntoCase(params int[] dims) => new(
        "elementwise/scale_into",
        $"{new Shape(dims)}",
        [new OpInput("x", dims, OpFill.Normal(), Grad: false, Batched: true)],
        (tape, x) => Scaled(tape, x[0], -0.375f),
        x => [.. x[0].Select(v => (double)(-0.375f * (float)v))])
    {
        Bytes = 8.0 * new Shape(dims).Count, Differentiable = false, BatchInvariant = true, Exact = true,
        Mutants = [("factor", (tape, x) => Scaled(tape, x[0], 0.375f))],
    };

    private static Tensor Scaled(Tape tape, Tensor x, float factor)
    {
        var y = tape.New(x.Shape);
        ScaleInto(x, factor, y);
        return y;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ScaleParams
    {
        public nint X, Y;
        public long N;
        public float Factor;
    }
}
