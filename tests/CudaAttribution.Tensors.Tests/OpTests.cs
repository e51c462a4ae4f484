using CudaAttribution.Tensors.Verification;

namespace CudaAttribution.Tensors.Tests;

/// <summary>Every op case of the catalogue, on every host device: the checks that <c>cudattr verify</c> runs.</summary>
[TestFixture("cpu")]
[TestFixture("simt")]
public sealed class OpTests(string device)
{
    public static IEnumerable<TestCaseData> Cases =>
        OpCatalog.All.Where(c => !c.BenchOnly).Select(c => new TestCaseData(c).SetArgDisplayNames(c.ToString()));

    private ComputeDevice Device => TestDevices.Get(device);

    [TestCaseSource(nameof(Cases))]
    public void Passes_every_check(OpCase op)
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (var result in OpChecks.All(Device, op)) Assert.That(result.Passed, result.ToString());
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Leaves_no_memory_in_use(OpCase op)
    {
        long before = Device.Pool.InUse;
        OpChecks.Repeat(Device, op);
        Assert.That(Device.Pool.InUse, Is.EqualTo(before));
    }
}

/// <summary>The kernels promise the same bits on every device.</summary>
public sealed class OpDeviceTests
{
    [TestCaseSource(typeof(OpTests), nameof(OpTests.Cases))]
    public void Simt_gives_the_bits_of_cpu(OpCase op)
    {
        var result = OpChecks.SameOn(TestDevices.Get("simt"), TestDevices.Get("cpu"), op);
        Assert.That(result.Passed, result.ToString());
    }

    [Category("Gpu")]
    [TestCaseSource(typeof(OpTests), nameof(OpTests.Cases))]
    public void Gpu_gives_the_bits_of_cpu(OpCase op)
    {
        var result = OpChecks.SameOn(TestDevices.GetGpu(), TestDevices.Get("cpu"), op);
        Assert.That(result.Passed, result.ToString());
    }

    [TestCaseSource(nameof(MatrixCases))]
    public void OneDnn_passes_every_check(OpCase op)
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (var result in OpChecks.All(TestDevices.Get("cpu", "onednn"), op)) Assert.That(result.Passed, result.ToString());
        }
    }

    private static IEnumerable<TestCaseData> MatrixCases => OpTests.Cases.Where(c => ((OpCase)c.Arguments[0]!).Op is "conv2d" or "conv_transpose2d" or "gemm/linear");
}
