namespace CudaAttribution.Driver.Tests.Contract;

[TestFixture]
public sealed class CpuDeviceTests : DeviceContract
{
    protected override IDevice Open() => Devices.Open("cpu");

    protected override int LiveAllocations(IDevice device) => ((HostDriver)device).LiveAllocations;
}

[TestFixture]
public sealed class SimtDeviceTests : DeviceContract
{
    protected override IDevice Open() => Devices.Open("simt");

    protected override int LiveAllocations(IDevice device) => ((HostDriver)device).LiveAllocations;
}

[TestFixture]
[Category("Gpu")]
public sealed class CudaDeviceTests : DeviceContract
{
    [OneTimeSetUp]
    public void RequireDevice()
    {
        AutoChoice choice = Devices.ChooseAuto();
        if (choice.Id == HostDriver.CpuId)
        {
            TestContext.Progress.WriteLine($"tests of category Gpu are skipped: {choice.Reason}");
            Assert.Ignore(choice.Reason);
        }
    }

    [Test]
    public void ShowsTheCompilersLogOfBadPtx()
    {
        var error = Assert.Throws<DeviceException>(() => ((CudaDriver)Device).LoadModule("nonsense"))!;
        Assert.That(error.Status, Is.EqualTo(DeviceStatus.InvalidPtx).Or.EqualTo(DeviceStatus.InvalidImage));
        Assert.That(error.Message, Does.Contain("compile the kernels for cuda:0"));
        Device.Free(Device.Allocate(16));
    }

    [Test]
    public void LoadsAModuleBesideItsOwn()
    {
        using IModule module = ((CudaDriver)Device).LoadModule(CudaDriver.EmbeddedPtx());
        Assert.That(module.KernelNames, Is.EqualTo(Device.Kernels.KernelNames));
        Assert.That(module.Hash, Is.EqualTo(Device.Kernels.Hash));
        module.Dispose();
        Assert.That(() => module.GetKernel(AddKernel.Name), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void TellsWhatTheDriverMadeOfEachKernel()
    {
        foreach (PtxEntry entry in PtxModuleText.Entries(CudaDriver.EmbeddedPtx()))
        {
            IKernel kernel = Device.Kernels.GetKernel(entry.Name);
            Assert.That(kernel.BlockSize, Is.EqualTo(entry.MaxThreads), entry.Name);
            Assert.That(kernel.ParameterBytes, Is.EqualTo(entry.ParameterBytes), entry.Name);
            Assert.That(kernel.Attributes.Registers, Is.InRange(1, 255), entry.Name);
            Assert.That(kernel.Attributes.PtxVersion, Is.GreaterThanOrEqualTo(70), entry.Name);
            Assert.That(kernel.Attributes.BinaryVersion, Is.GreaterThanOrEqualTo(80), entry.Name);
        }
    }

    protected override IDevice Open() => Devices.Open("cuda:0");

    protected override int LiveAllocations(IDevice device) => ((CudaDriver)device).LiveAllocations;
}
