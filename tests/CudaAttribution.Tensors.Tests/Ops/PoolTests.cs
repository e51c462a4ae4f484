using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests.Ops;

[TestFixture("cpu")]
[TestFixture("simt")]
public sealed class PoolTests(string device)
{
    private ComputeDevice Device => TestDevices.Get(device);

    [TestCase("max3")]
    [TestCase("max2")]
    [TestCase("max5")]
    [TestCase("max_ties")]
    [TestCase("max_negative")]
    public void Maximum_agrees_with_PyTorch(string name) => OpGolden.Check(Device, name, ["x"], (tape, t) =>
        tape.MaxPool2d(t[0], OpGolden.Integer(name, "kernel"), OpGolden.Integer(name, "stride"), OpGolden.Integer(name, "padding")));

    [TestCase("avg3")]
    [TestCase("avg3_pixels")]
    [TestCase("avg4")]
    [TestCase("avg2")]
    public void Average_agrees_with_PyTorch(string name) => OpGolden.Check(Device, name, ["x"], (tape, t) => tape.AvgPool2d(
        t[0], OpGolden.Integer(name, "kernel"), OpGolden.Integer(name, "stride"), OpGolden.Integer(name, "padding"), OpGolden.Flag(name, "count_include_pad")));

    [Test]
    public void Global_average_agrees_with_PyTorch() => OpGolden.Check(Device, "avg_global", ["x"], (tape, t) => tape.GlobalAvgPool(t[0]));

    // torch.nn.functional.max_pool2d of PyTorch 1.13: the window [1, NaN, 2, NaN] gives NaN, and its gradient goes to the last NaN.
    [Test]
    public void A_NaN_wins_and_the_last_of_several_gets_the_gradient()
    {
        var (y, dx) = Max([1, float.NaN, 2, float.NaN], 2, 2);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(y, Is.EqualTo(new[] { float.NaN }));
            Assert.That(dx, Is.EqualTo(new[] { 0f, 0, 0, 1 }));
        }
    }

    [Test]
    public void The_first_of_equal_values_gets_the_gradient_minus_infinity_included()
    {
        var (y, dx) = Max([float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity], 2, 2);
        var (_, zeros) = Max([-0f, 0f, 0f, -0f], 2, 2);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(y, Is.EqualTo(new[] { float.NegativeInfinity }));
            Assert.That(dx, Is.EqualTo(new[] { 1f, 0, 0, 0 }));
            Assert.That(zeros, Is.EqualTo(new[] { 1f, 0, 0, 0 }));
        }
    }

    [TestCase(0, 1, 0, "kernel is 0")]
    [TestCase(17, 1, 8, "kernel is 17")]
    [TestCase(3, 0, 0, "stride is 0")]
    [TestCase(3, 1, 2, "padding is 2")]
    [TestCase(3, 1, -1, "padding is -1")]
    [TestCase(7, 1, 0, "x is F32 [2,4,6,3]")]
    public void Maximum_refuses(int kernel, int stride, int padding, string named) =>
        Refuses(tape => tape.MaxPool2d(tape.New([2, 4, 6, 3]), kernel, stride, padding), named);

    [TestCase(3, 1, 2, "padding is 2")]
    [TestCase(5, 1, 0, "x is F32 [2,4,6,3]")]
    public void Average_refuses(int kernel, int stride, int padding, string named) =>
        Refuses(tape => tape.AvgPool2d(tape.New([2, 4, 6, 3]), kernel, stride, padding), named);

    [Test]
    public void Other_ranks_types_and_empty_tensors_are_refused()
    {
        Refuses(tape => tape.MaxPool2d(tape.New([4, 6, 3]), 2, 2), "[N,H,W,C]");
        Refuses(tape => tape.AvgPool2d(tape.New([0, 4, 6, 3]), 2, 2), "not empty");
        Refuses(tape => tape.GlobalAvgPool(tape.New([2, 0, 3])), "not empty");
        Refuses(tape => tape.GlobalAvgPool(tape.New([2, 3], DType.I32)), "element type");
    }

    private (float[] Y, float[] Dx) Max(float[] picture, int height, int width)
    {
        using var tape = new Tape(Device, record: true);
        var x = tape.Arena.From(picture, [1, height, width, 1]);
        x.RequiresGrad = true;
        var y = tape.MaxPool2d(x, 2, 2);
        float[] largest = y.ToArray<float>();
        tape.Backward(y, tape.Arena.From([1f], y.Shape));
        return (largest, x.Grad!.ToArray<float>());
    }

    private void Refuses(Func<Tape, Tensor> run, string named)
    {
        using var tape = new Tape(Device, record: true);
        Assert.That(() => run(tape), Throws.ArgumentException.With.Message.Contains(named));
    }
}
