using System.Runtime.InteropServices;

namespace CudaAttribution.Tensors.Ops;

public static partial class Elementwise
{
    /// <summary>y = a b, element by element.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="a">Any shape.</param>
    /// <param name="b">The shape of <paramref name="a"/>; may be <paramref name="a"/> itself.</param>
    public static Tensor Multiply(this Tape tape, Tensor a, Tensor b) =>
        Product(tape, a, b, "multiply", "multiply_fwd_f32", "multiply_bwd_a_f32", "multiply_bwd_b_f32");

    /// <summary>y = a / b, element by element.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="a">Any shape.</param>
    /// <param name="b">The shape of <paramref name="a"/>.</param>
    public static Tensor Divide(this Tape tape, Tensor a, Tensor b) =>
        Product(tape, a, b, "divide", "divide_fwd_f32", "divide_bwd_a_f32", "divide_bwd_b_f32");

    /// <summary>y = x + shift.</summary>
    /// <param name="tape">Where it is recorded.</param>
    /// <param name="x">Any shape.</param>
    /// <param name="shift">A constant.</param>
    public static Tensor Offset(this Tape tape, Tensor x, float shift)
    {
        OpCheck.Argument(tape.Device, "offset", x);
        var y = tape.New(x.Shape);
        tape.Device.Launch("offset_f32", Tiles.Flat(x.Count), new OffsetParams { X = x.Pointer, Y = y.Pointer, N = x.Count, Shift = shift });
        return tape.Record(y, [x], dy => tape.PassGrad(x, dy));
    }

    private static IEnumerable<OpCase> ProductCases
    {
        get
        {
            return
            [
                Multiplied(1), Multiplied(3, 5, 7), Multiplied(2, 4099), Multiplied(32, 26, 26, 3) with { BenchOnly = true }, Squared(3, 5, 7),
                Divided(1), Divided(3, 5, 7), Divided(2, 4099), Divided(32, 26, 26, 3) with { BenchOnly = true },
                Moved(0.25f, 3, 5, 7), Moved(-2f, 4099),
            ];

            static OpCase Multiplied(params int[] dims) => new(
                "elementwise/multiply",
                $"{new Shape(dims)}",
                [new OpInput("a", dims, OpFill.Normal(), Batched: true), new OpInput("b", dims, OpFill.Normal(1f, 2f), Batched: true)],
                (tape, x) => tape.Multiply(x[0], x[1]),
                x => Enumerate(x[0].Length, i => x[0][i] * x[1][i]))
            {
                Bytes = 12.0 * new Shape(dims).Count, BatchInvariant = true,
            };

            static OpCase Squared(params int[] dims) => new(
                "elementwise/multiply",
                $"{new Shape(dims)} by itself",
                [new OpInput("a", dims, OpFill.Normal(), Batched: true)],
                (tape, x) => tape.Multiply(x[0], x[0]),
                x => Enumerate(x[0].Length, i => x[0][i] * x[0][i]))
            {
                Bytes = 8.0 * new Shape(dims).Count, BatchInvariant = true,
            };

            static OpCase Divided(params int[] dims) => new(
                "elementwise/divide",
                $"{new Shape(dims)}",
                [new OpInput("a", dims, OpFill.Normal(), Batched: true), new OpInput("b", dims, OpFill.Normal(8f), Batched: true)],
                (tape, x) => tape.Divide(x[0], x[1]),
                x => Enumerate(x[0].Length, i => x[0][i] / x[1][i]))
            {
                Bytes = 12.0 * new Shape(dims).Count, BatchInvariant = true,
            };

            static OpCase Moved(float shift, params int[] dims) => new(
                "elementwise/offset",
                $"{new Shape(dims)} by {shift}",
                [new OpInput("x", dims, OpFill.Normal(), Batched: true)],
                (tape, x) => tape.Offset(x[0], shift),
                x => Enumerate(x[0].Length, i => x[0][i] + shift))
            {
                Bytes = 8.0 * new Shape(dims).Count, BatchInvariant = true, Mutants = [("shift", (tape, x) => tape.Offset(x[0], shift + 1))],
            };
        }
    }

    private static Tensor Product(Tape tape, Tensor a, Tensor b, string op, string forward, string backwardA, string backwardB)
    {
        OpCheck.Argument(tape.Device, op, a);
        OpCheck.Argument(tape.Device, op, b, a.Shape);
        var y = tape.New(a.Shape);
        var product = new ProductParams { A = a.Pointer, B = b.Pointer, Y = y.Pointer, N = y.Count };
        tape.Device.Launch(forward, Tiles.Flat(y.Count), product);
        return tape.Record(y, [a, b], dy =>
        {
            Pass(a, backwardA);
            Pass(b, backwardB);

            void Pass(Tensor x, string kernel)
            {
                if (!x.RequiresGrad) return;
                var (dx, accumulate) = tape.GradOf(x);
                tape.Device.Launch(kernel, Tiles.Flat(x.Count), product with { Dy = dy.Pointer, Y = dx.Pointer, Accumulate = accumulate ? 1 : 0 });
            }
        });
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ProductParams
    {
        public nint A, B, Dy, Y;
        public long N;
        public int Accumulate;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct OffsetParams
    {
        public nint X, Y;
        public long N;
        public float Shift;
    }
}
