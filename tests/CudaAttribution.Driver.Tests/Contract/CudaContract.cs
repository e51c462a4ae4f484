using CudaAttribution.Driver.Cuda;
using CudaAttribution.Driver.Host;
using CudaAttribution.Driver.Probe;

namespace CudaAttribution.Driver.Tests.Contract;

/// <summary>What every binding of the CUDA driver must do.</summary>
public abstract class CudaContract : DeviceContract
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
        var error = Assert.Throws<DeviceException>(() => ((CudaDevice)Device).LoadModule("nonsense"))!;
        Assert.That(error.Status, Is.EqualTo(DeviceStatus.InvalidPtx).Or.EqualTo(DeviceStatus.InvalidImage));
        Assert.That(error.Message, Does.Contain("compile the kernels for cuda:0"));
        Device.Free(Device.Allocate(16));
    }

    [Test]
    public void LoadsAModuleBesideItsOwn()
    {
        using IModule module = ((CudaDevice)Device).LoadModule(CudaDevice.EmbeddedPtx());
        Assert.That(module.KernelNames, Is.EqualTo(Device.Kernels.KernelNames));
        Assert.That(module.Hash, Is.EqualTo(Device.Kernels.Hash));
        module.Dispose();
        Assert.That(() => module.GetKernel(AddKernel.Name), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void TellsWhatTheDriverMadeOfEachKernel()
    {
        foreach (PtxEntry entry in PtxModuleText.Entries(CudaDevice.EmbeddedPtx()))
        {
            IKernel kernel = Device.Kernels.GetKernel(entry.Name);
            Assert.That(kernel.BlockSize, Is.EqualTo(entry.MaxThreads), entry.Name);
            Assert.That(kernel.ParameterBytes, Is.EqualTo(entry.ParameterBytes), entry.Name);
            Assert.That(kernel.Attributes.Registers, Is.InRange(1, 255), entry.Name);
            Assert.That(kernel.Attributes.PtxVersion, Is.GreaterThanOrEqualTo(70), entry.Name);
            Assert.That(kernel.Attributes.BinaryVersion, Is.GreaterThanOrEqualTo(80), entry.Name);
        }
    }

    protected override int LiveAllocations(IDevice device) => ((CudaDevice)device).LiveAllocations;
}
