namespace CudaAttribution.Tensors;

/// <summary>
/// One checked instance of an op: how to run it, what it must give in float64, and what it costs. Tests (<c>OpParity</c>, <c>OpGradient</c>,
/// <c>OpDeterminism</c>, <c>OpAttributes</c>), <c>cudattr verify</c> and <c>cudattr bench</c> enumerate these; a new op needs no new test.
/// </summary>
/// <param name="Op">Op family and name, for example <c>norm/group_norm_silu</c>.</param>
/// <param name="Name">What is special about this case: shape and mode.</param>
/// <param name="Inputs">The inputs, in the order the delegates get them.</param>
/// <param name="Run">Runs the op on a device; must only use the tape and the inputs. Its single output is compared.</param>
/// <param name="Reference">The same in float64 over flat row-major arrays.</param>
public sealed record OpCase(
    string Op,
    string Name,
    IReadOnlyList<OpInput> Inputs,
    Func<Tape, Tensor[], Tensor> Run,
    Func<double[][], double[]> Reference)
{
    /// <summary>Floating-point operations of the forward, an FMA counting two; 0 where bytes are the cost.</summary>
    public double Flops { get; init; }

    /// <summary>Least bytes the forward has to move.</summary>
    public double Bytes { get; init; }

    /// <summary>The op with one attribute changed (eps, stride, causal, ...): each must change the output.</summary>
    public IReadOnlyList<(string Attribute, Func<Tape, Tensor[], Tensor> Run)> Mutants { get; init; } = [];

    /// <summary>
    /// True where row i of the output depends on row i of every input whose leading extent is the
    /// batch only: row i alone must equal row i in the batch, bitwise.
    /// </summary>
    public bool BatchInvariant { get; init; }

    /// <summary>False for ops that have no gradient by nature (samplers, optimisers, distances).</summary>
    public bool Differentiable { get; init; } = true;

    /// <summary>True where the result must equal the reference exactly (integer arithmetic, random bits, copies).</summary>
    public bool Exact { get; init; }

    /// <summary>True for a full-size shape that only the benchmark runs.</summary>
    public bool BenchOnly { get; init; }

    public override string ToString() => $"{Op} {Name}";
}

/// <summary>An input of an <see cref="OpCase"/>: where its values come from, drawn from a fixed Philox stream.</summary>
/// <param name="Name">Its name in the op's signature.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Fill">Distribution.</param>
/// <param name="Grad">Whether a gradient is checked for it.</param>
/// <param name="Batched">Whether its outermost axis is the batch (for the batch-invariance test).</param>
/// <param name="Operand">Whether it is one of the two operands of a product or convolution, which an engine may round.</param>
public sealed record OpInput(string Name, Shape Shape, OpFill Fill, bool Grad = true, bool Batched = false, bool Operand = false)
{
    public DType Type => Fill.Type;
}

/// <summary>Distribution of a test input: normal(mean, scale), uniform integers below a bound (I32 or U8).</summary>
public readonly record struct OpFill(DType Type, float Mean, float Scale, int Bound)
{
    public static OpFill Normal(float mean = 0f, float scale = 1f) => new(DType.F32, mean, scale, 0);

    public static OpFill Index(int bound) => new(DType.I32, 0f, 0f, bound);

    public static OpFill Pixels() => new(DType.U8, 0f, 0f, 256);
}
