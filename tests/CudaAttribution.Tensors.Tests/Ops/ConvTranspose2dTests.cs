using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests.Ops;

[TestFixture("cpu", "kernels")]
[TestFixture("cpu", "onednn")]
[TestFixture("simt", "kernels")]
public sealed class ConvTranspose2dTests(string device, string math)
{
    private ComputeDevice Device => TestDevices.Get(device, math);

    [TestCase("transposed4")]
    [TestCase("transposed3")]
    [TestCase("transposed7")]
    [TestCase("transposed1")]
    [TestCase("transposed_same")]
    public void Agrees_with_PyTorch(string name)
    {
        int stride = OpGolden.Integer(name, "stride"), padding = OpGolden.Integer(name, "padding"), extra = OpGolden.Integer(name, "output_padding");
        OpGolden.Check(Device, name, ["x", "w", "b"], (tape, t) => tape.ConvTranspose2d(t[0], t[1], t[2], stride, padding, extra));
    }

    [TestCase(new[] { 4, 3, 3, 5 }, 0, 1, 0, "stride is 0")]
    [TestCase(new[] { 4, 3, 3, 5 }, 2, -1, 0, "padding is -1")]
    [TestCase(new[] { 4, 3, 3, 5 }, 2, 1, 2, "outputPadding is 2")]
    [TestCase(new[] { 4, 3, 3, 5 }, 2, 1, -1, "outputPadding is -1")]
    [TestCase(new[] { 4, 3, 3, 5 }, 1, 3, 0, "to leave something")]
    [TestCase(new[] { 5, 3, 3, 4 }, 2, 1, 0, "w is F32 [5,3,3,4]")]
    [TestCase(new[] { 4, 3, 2, 5 }, 2, 1, 0, "w is F32 [4,3,2,5]")]
    [TestCase(new[] { 4, 17, 17, 5 }, 2, 1, 0, "K at most 16")]
    public void Refuses(int[] w, int stride, int padding, int outputPadding, string named)
    {
        using var tape = new Tape(Device, record: true);
        Assert.That(
            () => tape.ConvTranspose2d(tape.New([2, 3, 3, 4]), tape.New(w), null, stride, padding, outputPadding),
            Throws.ArgumentException.With.Message.Contains(named));
    }
}
