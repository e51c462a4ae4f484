namespace CudaAttribution.Tensors.Verification;

/// <summary>Outcome of one check of one op case on one device.</summary>
/// <param name="Error">The measured error, in the measure of the check (NMSE, or differing elements).</param>
/// <param name="Limit">The largest error that passes.</param>
public sealed record CheckResult(string Op, string Case, string Device, string Check, bool Passed, double Error, double Limit, string Detail)
{
    public override string ToString() => $"{Op} {Case} on {Device}: {Check} {(Passed ? "ok" : "FAILED")} ({Error:g3} of {Limit:g3}) {Detail}";
}

/// <summary>The numerical audit of one op case. Tests and <c>cudattr verify</c> run the same checks.</summary>
public static class OpChecks
{
    private const double ReferenceBudget = 3e8;
    private const float HeldGradient = 0.375f;

    /// <summary>Every check that applies to the case, each device-independent one first.</summary>
    public static IEnumerable<CheckResult> All(ComputeDevice device, OpCase op)
    {
        yield return Forward(device, op);
        yield return Repeat(device, op);
        if (op.Differentiable)
        {
            yield return Gradient(device, op);
            yield return Accumulation(device, op);
        }
        if (Rounds(device, op))
        {
            yield return ForwardUnrounded(device, op);
            yield return GradientUnrounded(device, op);
        }
        if (op.BatchInvariant && device.Math is Engines.KernelMath or Engines.Bf16Math) yield return BatchInvariance(device, op);
        foreach (var result in Mutations(device, op)) yield return result;
    }

    /// <summary>Output against the float64 reference, its operands rounded as the engine rounds them.</summary>
    public static CheckResult Forward(ComputeDevice device, OpCase op)
    {
        var run = OpRun.Of(device, op, gradients: false);
        double[] expected = op.Reference(AllInputs(op, Rounds(device, op)));
        if (op.Exact) return Identity(device, op, "forward (exact)", run.Output, expected);
        double error = Tolerance.Nmse(run.Output, expected);
        string note = run.Output.Length == expected.Length ? "" : $"{run.Output.Length} values for {expected.Length}";
        return Result(device, op, "forward", error, Tolerance.ForwardF32, note);
    }

    /// <summary>Output of an engine that rounds against the float64 reference of the operands as they are.</summary>
    public static CheckResult ForwardUnrounded(ComputeDevice device, OpCase op)
    {
        double error = Tolerance.Nmse(OpRun.Of(device, op, gradients: false).Output, op.Reference(AllInputs(op, rounded: false)));
        return Result(device, op, "forward, unrounded", error, Tolerance.RoundingBF16, "");
    }

    /// <summary>Two runs give the same bits, forward and backward.</summary>
    public static CheckResult Repeat(ComputeDevice device, OpCase op) =>
        SameBits(device, op, "repeat", OpRun.Of(device, op, op.Differentiable), OpRun.Of(device, op, op.Differentiable));

    /// <summary>Two devices give the same bits, forward and backward: promised by <see cref="Engines.KernelMath"/>.</summary>
    public static CheckResult SameOn(ComputeDevice device, ComputeDevice other, OpCase op) =>
        SameBits(device, op, $"same bits as {other.Driver.Info.Id}", OpRun.Of(device, op, op.Differentiable), OpRun.Of(other, op, op.Differentiable));

    /// <summary>
    /// Gradients against central differences of the float64 reference, at a fixed sample of elements. Where the engine rounds, the reference takes
    /// rounded operands, and those of a gradient are the other input and the gradient of the output.
    /// </summary>
    public static CheckResult Gradient(ComputeDevice device, OpCase op)
    {
        var (error, where) = GradientError(device, op, Rounds(device, op));
        return Result(device, op, "gradient", error, Tolerance.BackwardF32, where);
    }

    /// <summary>Gradients of an engine that rounds against central differences of the reference of everything as it is.</summary>
    public static CheckResult GradientUnrounded(ComputeDevice device, OpCase op)
    {
        var (error, where) = GradientError(device, op, rounded: false);
        return Result(device, op, "gradient, unrounded", error, Tolerance.RoundingBF16, where);
    }

    private static (double Error, string Where) GradientError(ComputeDevice device, OpCase op, bool rounded)
    {
        var run = OpRun.Of(device, op, gradients: true);
        double[][] inputs = AllInputs(op, rounded);
        double[] weights = OpInputs.Weights(op, run.Output.Length);
        double[] operandWeights = rounded ? Array.ConvertAll(weights, Rounded) : weights;
        double worst = 0;
        string where = "";
        int checkedInputs = op.Inputs.Count(i => i.Grad && i.Type == DType.F32);
        for (int i = 0; i < inputs.Length; i++)
        {
            if (run.Gradients[i] is not { } gradient) continue;
            var sample = Sample(op, i, checkedInputs);
            double[] actual = sample.Select(j => (double)gradient[j]).ToArray();
            double[] expected = sample.Select(j => Difference(op, inputs, i, j, op.Inputs[i].Operand ? operandWeights : weights)).ToArray();
            double error = Tolerance.Nmse(actual, expected);
            if (error < worst) continue;
            (worst, where) = (error, $"worst: d{op.Inputs[i].Name}");
        }
        return (worst, where);
    }

    /// <summary>Backward onto gradients that already hold a part adds to it.</summary>
    public static CheckResult Accumulation(ComputeDevice device, OpCase op)
    {
        var fresh = OpRun.Of(device, op, gradients: true);
        var added = OpRun.Of(device, op, gradients: true, accumulateOnto: HeldGradient);
        double worst = 0;
        string where = "";
        for (int i = 0; i < fresh.Gradients.Length; i++)
        {
            if (fresh.Gradients[i] is not { } g || added.Gradients[i] is not { } sum) continue;
            double error = Tolerance.Nmse(Array.ConvertAll(sum, v => (double)v), Array.ConvertAll(g, v => (double)v + HeldGradient));
            if (error < worst) continue;
            (worst, where) = (error, $"worst: d{op.Inputs[i].Name}");
        }
        return Result(device, op, "accumulation", worst, Tolerance.ForwardF32, where);
    }

    /// <summary>Row i alone equals row i in the batch, bitwise.</summary>
    public static CheckResult BatchInvariance(ComputeDevice device, OpCase op)
    {
        var whole = OpRun.Of(device, op, gradients: false);
        int rows = op.Inputs.First(i => i.Batched).Shape[0], stride = whole.Output.Length / rows;
        long different = 0;
        for (int r = 0; r < rows; r++)
        {
            var alone = OpRun.Of(device, op, gradients: false, row: r);
            different += Differing(alone.Output, whole.Output.AsSpan(r * stride, stride));
        }
        return Result(device, op, "batch invariance", different, 0, $"{rows} rows");
    }

    /// <summary>Each attribute changes the output when it is changed.</summary>
    public static IEnumerable<CheckResult> Mutations(ComputeDevice device, OpCase op)
    {
        if (op.Mutants.Count == 0) yield break;
        var original = OpRun.Of(device, op, gradients: false);
        foreach (var (attribute, run) in op.Mutants)
        {
            var mutant = OpRun.Of(device, op, gradients: false, run: run);
            bool ignored = Differing(mutant.Output, original.Output) == 0;
            yield return Result(device, op, $"attribute {attribute}", ignored ? 1 : 0, 0, ignored ? "has no effect" : "");
        }
    }

    private static bool Rounds(ComputeDevice device, OpCase op) => device.Math.Operands == DType.BF16 && op.Inputs.Any(i => i.Operand);

    private static double Rounded(double value) => FloatFormats.RoundToBF16((float)value);

    private static double[][] AllInputs(OpCase op, bool rounded) =>
    [
        .. op.Inputs.Select((input, i) => rounded && input.Operand ? Array.ConvertAll(OpInputs.Values(op, i), Rounded) : OpInputs.Values(op, i)),
    ];

    private static double Difference(OpCase op, double[][] inputs, int input, int element, double[] weights)
    {
        double x = inputs[input][element], h = 1e-4 * Math.Max(1, Math.Abs(x));
        inputs[input][element] = x + h;
        double above = Dot(op.Reference(inputs), weights);
        inputs[input][element] = x - h;
        double below = Dot(op.Reference(inputs), weights);
        inputs[input][element] = x;
        return (above - below) / (2 * h);
    }

    // Elements spread over the input, the last one included; as many as the cost of the reference allows, 6 to 40.
    private static int[] Sample(OpCase op, int input, int checkedInputs)
    {
        int count = (int)op.Inputs[input].Shape.Count;
        double cost = Math.Max(Math.Max(op.Flops, op.Bytes), 1);
        int wanted = Math.Min(count, (int)Math.Clamp(ReferenceBudget / (2 * cost * Math.Max(1, checkedInputs)), 6, 40));
        var random = new PhiloxSequence(seed: 22, Philox.Stream(op.ToString(), (ulong)input));
        var sample = new SortedSet<int> { count - 1 };
        while (sample.Count < wanted) sample.Add(random.Next(count));
        return [.. sample];
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    private static CheckResult SameBits(ComputeDevice device, OpCase op, string check, OpRun a, OpRun b)
    {
        long different = Differing(a.Output, b.Output);
        for (int i = 0; i < a.Gradients.Length; i++)
        {
            if (a.Gradients[i] is { } x && b.Gradients[i] is { } y)
            {
                different += Differing(Array.ConvertAll(x, v => (double)v), Array.ConvertAll(y, v => (double)v));
            }
        }
        return Result(device, op, check, different, 0, "");
    }

    private static CheckResult Identity(ComputeDevice device, OpCase op, string check, double[] actual, double[] expected) =>
        Result(device, op, check, Differing(actual, expected), 0, "");

    // Counts elements whose bits differ (zeros of different sign differ); all of them where the lengths do.
    private static long Differing(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        if (a.Length != b.Length) return Math.Max(a.Length, b.Length);
        long count = 0;
        for (int i = 0; i < a.Length; i++)
        {
            if (BitConverter.DoubleToInt64Bits(a[i]) != BitConverter.DoubleToInt64Bits(b[i])) count++;
        }
        return count;
    }

    private static CheckResult Result(ComputeDevice device, OpCase op, string check, double error, double limit, string detail) =>
        new(op.Op, op.Name, device.Driver.Info.Id, check, error <= limit, error, limit, detail);
}
