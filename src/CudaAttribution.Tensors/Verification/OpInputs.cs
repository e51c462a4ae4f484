namespace CudaAttribution.Tensors.Verification;

/// <summary>The values of an op case's inputs: fixed, the same on every device and run.</summary>
internal static class OpInputs
{
    /// <summary>The input as the reference sees it: each value is exactly one of the input's element type.</summary>
    public static double[] Values(OpCase op, int index)
    {
        var input = op.Inputs[index];
        var random = new PhiloxSequence(seed: 20, Philox.Stream(op.ToString(), (ulong)index));
        var values = new double[input.Shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = input.Type == DType.F32 ? (float)(input.Fill.Mean + (input.Fill.Scale * Normal(random))) : random.Next(input.Fill.Bound);
        }
        return values;
    }

    /// <summary>
    /// Set <paramref name="set"/> of the case's inputs for shapes too large to be drawn on the host: normal numbers about zero and bytes come from the
    /// device's generator, which gives the same bits everywhere; the rest, which is small, from <see cref="Values"/>.
    /// </summary>
    public static Tensor[] Draw(Arena arena, OpCase op, int set) => [.. op.Inputs.Select((input, i) => Draw(arena, op, i, set))];

    /// <summary>Fixed weights of the scalar whose gradient is checked.</summary>
    public static double[] Weights(OpCase op, long count)
    {
        var random = new PhiloxSequence(seed: 21, Philox.Stream(op.ToString()));
        var values = new double[count];
        for (int i = 0; i < values.Length; i++) values[i] = (float)Normal(random);
        return values;
    }

    /// <summary>Uploads rows [first, first+count) of the values, or all of them.</summary>
    public static Tensor Upload(Arena arena, OpInput input, double[] values, int? row)
    {
        var shape = input.Shape;
        if (row is { } r && input.Batched)
        {
            int[] dims = shape.ToArray();
            int stride = values.Length / dims[0];
            dims[0] = 1;
            shape = dims;
            values = values[(r * stride)..((r + 1) * stride)];
        }
        return input.Type switch
        {
            DType.F32 => arena.From(Array.ConvertAll(values, v => (float)v), shape),
            DType.I32 => arena.From(Array.ConvertAll(values, v => (int)v), shape),
            DType.U8 => arena.From(Array.ConvertAll(values, v => (byte)v), shape),
            var type => throw new NotSupportedException($"{input.Name}: no test inputs of type {type}"),
        };
    }

    private static Tensor Draw(Arena arena, OpCase op, int index, int set)
    {
        const ulong Seed = 23;
        var input = op.Inputs[index];
        ulong stream = Philox.Stream($"{op} set {set}", (ulong)index);
        var tensor = arena.New(input.Shape, input.Type);
        if (input.Type == DType.F32 && input.Fill.Mean == 0)
        {
            Ops.RandomNumbers.Normal(tensor, Seed, stream);
            if (input.Fill.Scale != 1) Ops.Elementwise.ScaleInto(tensor, input.Fill.Scale, tensor);
            return tensor;
        }
        if (input.Type == DType.U8 && input.Fill == OpFill.Pixels() && input.Shape.Count % sizeof(int) == 0)
        {
            Ops.RandomNumbers.Words(tensor.As(DType.I32, new Shape(checked((int)(input.Shape.Count / sizeof(int))))), Seed, stream);
            return tensor;
        }
        return Upload(arena, input, Values(op, index), null);
    }

    private static double Normal(PhiloxSequence random)
    {
        double u = (random.NextWord() + 1.0) / 4294967296.0, v = random.NextWord() / 4294967296.0;
        return Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * v);
    }
}
