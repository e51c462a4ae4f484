using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests;

public sealed class LaunchTests
{
    private static ComputeDevice Device => TestDevices.Get("cpu");

    /// <summary>Ops that make no tensor: what is left is the launch itself.</summary>
    private static IEnumerable<TestCaseData> WithoutTensors =>
    [
        new TestCaseData((Action<Tensor, Tensor>)((x, y) => InPlace.AddInto(x.Device, x, y))).SetArgDisplayNames("add_into"),
        new TestCaseData((Action<Tensor, Tensor>)((x, _) => InPlace.Constant(x, 1))).SetArgDisplayNames("constant"),
        new TestCaseData((Action<Tensor, Tensor>)((x, y) => Optim.EmaStep(x, y, 0.9))).SetArgDisplayNames("ema_step"),
        new TestCaseData((Action<Tensor, Tensor>)((x, y) => x.CopyFrom(y))).SetArgDisplayNames("copy"),
        new TestCaseData((Action<Tensor, Tensor>)((x, _) => x.Zero())).SetArgDisplayNames("fill"),
        new TestCaseData((Action<Tensor, Tensor>)((x, y) => Optim.AdamWStep(x, y, x, x, null, default))).SetArgDisplayNames("adamw_step"),
    ];

    [TestCaseSource(nameof(WithoutTensors))]
    public void A_launch_allocates_nothing(Action<Tensor, Tensor> run)
    {
        using var arena = new Arena(Device);
        var (x, y) = (arena.Zeros([40, 25]), arena.Zeros([40, 25]));
        for (int i = 0; i < 100; i++) run(x, y);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) run(x, y);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void A_copy_needs_the_type_and_the_size_of_its_destination()
    {
        using var arena = new Arena(Device);
        using var elsewhere = new Arena(TestDevices.Get("simt"));
        var x = arena.From([1f, 2, 3, 4], [2, 2]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => x.CopyFrom(arena.Zeros([3])), Throws.ArgumentException.With.Message.Contains("of 4 elements"));
            Assert.That(() => x.CopyFrom(arena.Zeros([4], DType.I32)), Throws.ArgumentException.With.Message.Contains("element type must be F32"));
            Assert.That(() => x.CopyFrom(elsewhere.Zeros([4])), Throws.ArgumentException.With.Message.Contains("simt"));
        }
        var y = arena.Zeros([4]);
        y.CopyFrom(x);
        Assert.That(y.ToArray<float>(), Is.EqualTo(new[] { 1f, 2, 3, 4 }));
    }
}
