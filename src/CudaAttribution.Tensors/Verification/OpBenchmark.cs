using System.Diagnostics;

namespace CudaAttribution.Tensors.Verification;

/// <summary>Timing of one op case: medians over repeats, in milliseconds, on inputs that are already on the device.</summary>
/// <param name="Backward">Backward alone; 0 for an op without gradient.</param>
/// <param name="ForwardGflops">Forward FLOPs over the forward median.</param>
/// <param name="ForwardGigabytes">Least bytes of the forward over its median.</param>
public sealed record OpTiming(
    string Op,
    string Case,
    double Forward,
    double ForwardFastest,
    double Backward,
    double ForwardGflops,
    double ForwardGigabytes,
    int Repeats);

/// <summary>Times op cases; correctness is <see cref="OpChecks"/>' business, which <c>cudattr bench --verify</c> runs first.</summary>
public static class OpBenchmark
{
    /// <summary>Repeats until <paramref name="budgetSeconds"/> are used, 3 to 200 times after one warm-up.</summary>
    public static OpTiming Run(ComputeDevice device, OpCase op, double budgetSeconds = 1.0)
    {
        List<double> forward = [], backward = [];
        using var held = new Arena(device);
        var inputs = new Tensor[op.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = OpInputs.Upload(held, op.Inputs[i], OpInputs.Values(op, i), null);
            inputs[i].RequiresGrad = op.Differentiable && op.Inputs[i].Grad && inputs[i].Type == DType.F32;
        }
        Tensor? seed = null;
        long begin = Stopwatch.GetTimestamp();
        for (int repeat = 0; repeat < 200; repeat++)
        {
            using var tape = new Tape(device, record: op.Differentiable);
            device.Synchronize();
            long start = Stopwatch.GetTimestamp();
            var y = op.Run(tape, inputs);
            device.Synchronize();
            double ran = Stopwatch.GetElapsedTime(start).TotalMilliseconds, went = 0;
            if (op.Differentiable)
            {
                seed ??= held.From(Enumerable.Repeat(1f, (int)y.Count).ToArray(), y.Shape);
                var copy = tape.New(seed.Shape);
                device.Driver.CopyOnDevice(copy.Pointer, seed.Pointer, seed.Bytes, device.Stream);
                device.Synchronize();
                start = Stopwatch.GetTimestamp();
                tape.Backward(y, copy);
                device.Synchronize();
                went = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
            foreach (var input in inputs) input.Grad = null;
            if (repeat == 0) continue;
            forward.Add(ran);
            backward.Add(went);
            if (forward.Count >= 3 && Stopwatch.GetElapsedTime(begin).TotalSeconds > budgetSeconds) break;
        }
        double median = Median(forward);
        return new OpTiming(
            op.Op,
            op.Name,
            median,
            forward.Min(),
            op.Differentiable ? Median(backward) : 0,
            op.Flops / median * 1e-6,
            op.Bytes / median * 1e-6,
            forward.Count);
    }

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
