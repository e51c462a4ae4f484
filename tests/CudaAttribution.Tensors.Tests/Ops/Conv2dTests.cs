using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests.Ops;

[TestFixture("cpu")]
[TestFixture("simt")]
public sealed class Conv2dTests(string device)
{
    private ComputeDevice Device => TestDevices.Get(device);

    [TestCase("conv7")]
    [TestCase("conv6")]
    [TestCase("conv3")]
    public void Agrees_with_PyTorch(string name)
    {
        int stride = OpGolden.Integer(name, "stride"), padding = OpGolden.Integer(name, "padding");
        OpGolden.Check(Device, name, ["x", "w", "b"], (tape, t) => tape.Conv2d(t[0], t[1], t[2], stride, padding, padding));
    }

    [Test]
    public void Refuses_a_kernel_larger_than_16()
    {
        using var tape = new Tape(Device, record: false);
        Assert.That(
            () => tape.Conv2d(tape.New([1, 20, 20, 2]), tape.New([3, 17, 17, 2]), null),
            Throws.ArgumentException.With.Message.Contains("K at most 16").And.Message.Contains("[3,17,17,2]"));
    }
}
