using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Tests.Ops;

[TestFixture("cpu")]
[TestFixture("simt")]
public sealed class BatchNormTests(string device)
{
    private ComputeDevice Device => TestDevices.Get(device);

    [TestCase("batch_norm")]
    [TestCase("batch_norm_long")]
    public void Two_batches_and_evaluation_agree_with_PyTorch(string name)
    {
        float eps = OpGolden.Number(name, "eps"), momentum = OpGolden.Number(name, "momentum");
        using var set = new ParameterSet(Device);
        var running = Buffers(set, name == "batch_norm" ? 6 : 3);
        foreach (string batch in new[] { name, $"{name}.second" })
        {
            OpGolden.Check(Device, batch, ["x", "w", "b"], (tape, t) => tape.BatchNormTrain(t[0], t[1], t[2], running, eps, momentum));
            OpGolden.Matches(running.Mean, $"{batch}.running_mean");
            OpGolden.Matches(running.Variance, $"{batch}.running_var");
        }
        Assert.That(running.Batches!.ToArray<long>(), Is.EqualTo(new[] { 2L }));

        using var arena = new Arena(Device);
        var (mean, variance) = (OpGolden.Load(arena, $"{name}.eval.running_mean"), OpGolden.Load(arena, $"{name}.eval.running_var"));
        OpGolden.Check(
            Device, $"{name}.eval", ["x", "w", "b"], (tape, t) => tape.BatchNormEval(t[0], t[1], t[2], new RunningStatistics(mean, variance), eps));
        OpGolden.Matches(mean, $"{name}.eval.running_mean");
    }

    [Test]
    public void A_checkpointed_block_moves_the_running_statistics_once([Values] bool checkpointing)
    {
        using var set = new ParameterSet(Device);
        var running = Buffers(set, 3);
        using var arena = new Arena(Device);
        var (w, b) = (arena.From([1f, 2, 3], [3]), arena.From([0f, 1, 2], [3]));
        w.RequiresGrad = true;
        using var tape = new Tape(Device, record: true) { Recomputes = checkpointing };
        var x = arena.From([1f, 2, 3, 5, 4, 4, 9, 0, 1], [3, 3]);
        var y = tape.Recompute(() => tape.Silu(tape.BatchNormTrain(x, w, b, running)));
        float[] moved = running.Mean.ToArray<float>();
        tape.Backward(y, arena.From([1f, 0, 0, 0, 1, 0, 0, 0, 1], [3, 3]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(moved[0], Is.EqualTo(0.5f).Within(1e-6));
            Assert.That(running.Mean.ToArray<float>(), Is.EqualTo(moved));
            Assert.That(running.Batches!.ToArray<long>(), Is.EqualTo(new[] { 1L }));
            Assert.That(w.Grad!.ToArray<float>(), Has.Some.Not.Zero);
        }
    }

    [Test]
    public void Refuses_what_has_no_variance_and_what_does_not_fit()
    {
        using var tape = new Tape(Device, record: true);
        var (x, w, wrong) = (tape.New([4, 3]), tape.New([3]), tape.New([2]));
        var running = new RunningStatistics(w, w);
        using (Assert.EnterMultipleScope())
        {
            Refuses(() => tape.BatchNormTrain(tape.New([1, 3]), w, w, null), "at least two values a channel");
            Refuses(() => tape.BatchNormTrain(tape.New([0, 3]), w, w, null), "not empty");
            Refuses(() => tape.BatchNormTrain(x, wrong, w, null), "w is F32 [2]");
            Refuses(() => tape.BatchNormTrain(x, w, wrong, null), "b is F32 [2]");
            Refuses(() => tape.BatchNormTrain(x, w, w, null, eps: 0), "eps is 0");
            Refuses(() => tape.BatchNormTrain(x, w, w, running, momentum: 1.5f), "momentum is 1.5");
            Refuses(() => tape.BatchNormTrain(x, w, w, new RunningStatistics(wrong, w)), "running.Mean is F32 [2]");
            Refuses(() => tape.BatchNormTrain(x, w, w, new RunningStatistics(w, w, w)), "element type must be I64");
            Refuses(() => tape.BatchNormEval(x, w, w, new RunningStatistics(w, wrong)), "running.Variance is F32 [2]");
        }
    }

    private static void Refuses(Action run, string named) => Assert.That(run, Throws.ArgumentException.With.Message.Contains(named));

    private static RunningStatistics Buffers(ParameterSet set, int channels)
    {
        var running = new RunningStatistics(
            set.AddBuffer("running_mean", [channels]), set.AddBuffer("running_var", [channels], start: 1), set.AddBuffer("num_batches_tracked", [], DType.I64));
        set.Freeze(trainable: false);
        return running;
    }
}
