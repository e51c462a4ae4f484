namespace CudaAttribution.Tensors.Ops;

public static partial class Elementwise
{
    private static IEnumerable<OpCase> ConstantCases
    {
        get
        {
            return [Case(1f, 1), Case(-0.375f, 3, 5, 7), Case(float.Pi, 4099), Case(1f, 1 << 20) with { BenchOnly = true }];

            static OpCase Case(float value, params int[] dims)
            {
                return new OpCase(
                    "elementwise/constant",
                    $"{new Shape(dims)} of {value}",
                    [],
                    (tape, _) => Made(tape, value),
                    _ => Enumerate(new Shape(dims).Count, _ => value))
                {
                    Bytes = 4.0 * new Shape(dims).Count, Differentiable = false, Exact = true, Mutants = [("value", (tape, _) => Made(tape, 2 * value))],
                };

                Tensor Made(Tape tape, float constant)
                {
                    var y = tape.New(dims);
                    InPlace.Constant(y, constant);
                    return y;
                }
            }
        }
    }
}
