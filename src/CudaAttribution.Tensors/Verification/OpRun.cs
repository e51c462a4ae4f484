namespace CudaAttribution.Tensors.Verification;

/// <summary>One run of an op case on a device, brought back to the host.</summary>
/// <param name="Shape">Shape of the output.</param>
/// <param name="Output">Its values; integers and bytes widened.</param>
/// <param name="Gradients">Per input the gradient of the weighted sum of the output, or null where none was asked for.</param>
internal sealed record OpRun(Shape Shape, double[] Output, float[]?[] Gradients)
{
    /// <summary>Runs the case.</summary>
    /// <param name="gradients">Whether to run backward.</param>
    /// <param name="row">Only this row of the batched inputs.</param>
    /// <param name="accumulateOnto">A value that every gradient holds beforehand, so that backward has to add to it.</param>
    /// <param name="run">A mutant to run instead.</param>
    public static OpRun Of(
        ComputeDevice device, OpCase op, bool gradients, int? row = null, float? accumulateOnto = null, Func<Tape, Tensor[], Tensor>? run = null)
    {
        using var held = new Arena(device);
        using var tape = new Tape(device, record: gradients);
        var inputs = new Tensor[op.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++)
        {
            var input = op.Inputs[i];
            inputs[i] = OpInputs.Upload(held, input, OpInputs.Values(op, i), row);
            inputs[i].RequiresGrad = gradients && input.Grad && input.Type == DType.F32;
            if (inputs[i].RequiresGrad && accumulateOnto is { } value)
            {
                inputs[i].Grad = held.From(Enumerable.Repeat(value, (int)inputs[i].Count).ToArray(), inputs[i].Shape);
            }
        }
        var y = (run ?? op.Run)(tape, inputs);
        double[] output = Download(y);
        var grads = new float[]?[inputs.Length];
        if (gradients)
        {
            var seed = held.From(Array.ConvertAll(OpInputs.Weights(op, y.Count), v => (float)v), y.Shape);
            tape.Backward(y, seed);
            for (int i = 0; i < inputs.Length; i++)
            {
                if (inputs[i].RequiresGrad) grads[i] = inputs[i].Grad?.ToArray<float>() ?? new float[inputs[i].Count];
            }
        }
        return new OpRun(y.Shape, output, grads);
    }

    private static double[] Download(Tensor y) => y.Type switch
    {
        DType.F32 => Array.ConvertAll(y.ToArray<float>(), v => (double)v),
        DType.I32 => Array.ConvertAll(y.ToArray<int>(), v => (double)v),
        DType.I64 => Array.ConvertAll(y.ToArray<long>(), v => (double)v),
        DType.U8 => Array.ConvertAll(y.ToArray<byte>(), v => (double)v),
        _ => throw new NotSupportedException($"output of type {y.Type}"),
    };
}
