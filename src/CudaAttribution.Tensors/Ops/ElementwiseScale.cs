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
        Sampling.Scale(x, factor, y);
        return tape.Record(y, [x], dy =>
        {
            // A block of its own: the gradient that comes in may be shared with another input of what made it.
            var scaled = tape.New(x.Shape);
            Sampling.Scale(dy, factor, scaled);
            tape.PassGrad(x, scaled);
            scaled.Release();
        });
    }

    private static IEnumerable<OpCase> ScaleCases
    {
        get
        {
            return [Case(0.25f, 3, 5, 7), Case(-2f, 1), Case(0.5f, 2, 4099), Case(2f, 32, 256, 8) with { BenchOnly = true }];

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
}
