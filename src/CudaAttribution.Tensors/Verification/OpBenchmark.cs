using CudaAttribution.Driver;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Tensors.Verification;

/// <summary>Timing of one op case on inputs that are already on the device.</summary>
/// <param name="Op">The op.</param>
/// <param name="Case">The case.</param>
/// <param name="Forward">Forward, median in milliseconds.</param>
/// <param name="ForwardFastest">Forward, the fastest.</param>
/// <param name="Backward">Forward and backward less the forward, medians; 0 for an op without gradient.</param>
/// <param name="ForwardGflops">Forward FLOPs over the forward median.</param>
/// <param name="ForwardGigabytes">Least bytes of the forward over its median.</param>
/// <param name="Repeats">Forwards timed.</param>
/// <param name="Sets">Sets of inputs and outputs in turn: together more than twice the device's cache.</param>
/// <param name="Clock"><c>graph</c>: events around replays of all sets; <c>events</c>: around each issued run, where it cannot be recorded.</param>
public sealed record OpTiming(
    string Op,
    string Case,
    double Forward,
    double ForwardFastest,
    double Backward,
    double ForwardGflops,
    double ForwardGigabytes,
    int Repeats,
    int Sets,
    string Clock);

/// <summary>Times op cases; correctness is <see cref="OpChecks"/>' business.</summary>
public static class OpBenchmark
{
    private const int MostSets = 64;

    /// <summary>Repeats until <paramref name="budgetSeconds"/> are used, half of them with the backward; 3 to 200 repeats of all sets after one.</summary>
    public static OpTiming Run(ComputeDevice device, OpCase op, double budgetSeconds = 1.0)
    {
        using var held = new Arena(device);
        int sets = Sets(device, op);
        Tensor[][] inputs = [.. Enumerable.Range(0, sets).Select(set => OpInputs.Draw(held, op, set))];
        foreach (var set in inputs) RequireGrad(op, set, false);
        var (forward, clock) = Time(device, sets, budgetSeconds / 2, (tape, set) => op.Run(tape, inputs[set]), record: false);
        double backward = 0;
        if (op.Differentiable)
        {
            foreach (var set in inputs) RequireGrad(op, set, true);
            Tensor? seed = null;
            var both = Time(device, sets, budgetSeconds / 2, (tape, set) => Both(held, tape, op, inputs[set], ref seed), record: true).Time;
            backward = both.MedianMs - forward.MedianMs;
        }
        return new OpTiming(
            op.Op,
            op.Name,
            forward.MedianMs,
            forward.MinMs,
            backward,
            op.Flops / forward.MedianMs * 1e-6,
            op.Bytes / forward.MedianMs * 1e-6,
            forward.Count,
            sets,
            clock);
    }

    private static int Sets(ComputeDevice device, OpCase op)
    {
        long cache = device.Driver.Info.CacheBytes;
        return cache == 0 ? 1 : (int)Math.Clamp(2 * cache / Math.Max(op.Bytes, 1) + 1, 1, MostSets);
    }

    private static void RequireGrad(OpCase op, Tensor[] inputs, bool wanted)
    {
        for (int i = 0; i < inputs.Length; i++) inputs[i].RequiresGrad = wanted && op.Inputs[i].Grad && inputs[i].Type == DType.F32;
    }

    private static void Both(Arena held, Tape tape, OpCase op, Tensor[] inputs, ref Tensor? seed)
    {
        var y = op.Run(tape, inputs);
        // Made by the repeat that is not counted, before anything is recorded.
        if (seed is null)
        {
            seed = held.New(y.Shape);
            InPlace.Constant(seed, 1);
        }
        var copy = tape.New(seed.Shape);
        copy.CopyFrom(seed);
        tape.Backward(y, copy);
        foreach (var input in inputs) input.Grad = null;
    }

    private static (TimeStatistics Time, string Clock) Time(
        ComputeDevice device, int sets, double seconds, Action<Tape, int> run, bool record)
    {
        void Issue(List<Tape> tapes)
        {
            for (int set = 0; set < sets; set++)
            {
                tapes.Add(new Tape(device, record));
                run(tapes[^1], set);
            }
        }
        void IssueAndForget()
        {
            var tapes = new List<Tape>();
            Issue(tapes);
            foreach (var tape in tapes) tape.Dispose();
        }
        IssueAndForget();
        device.Synchronize();
        // What a graph writes stays its own until it is disposed: the tapes live as long.
        var kept = new List<Tape>();
        using var graph = device.Math.IsRecordable ? TryCapture(device, () => Issue(kept)) : null;
        var time = DeviceTimer.Repeat(device, graph is null ? IssueAndForget : () => graph.Replay(device.Stream), seconds);
        foreach (var tape in kept) tape.Dispose();
        return (time.Each(sets), graph is null ? "events" : "graph");
    }

    private static IGraph? TryCapture(ComputeDevice device, Action issue)
    {
        try
        {
            return DeviceGraph.Record(device, issue);
        }
        catch (DeviceException e) when (e.Status == DeviceStatus.StreamCaptureUnsupported || device.Math is not (KernelMath or Bf16Math))
        {
            // An op that copies from the host, or a library of others that does what cannot be recorded.
            return null;
        }
    }
}
