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

    protected override IDevice Open() => Devices.Open("cuda:0");

    protected override int LiveAllocations(IDevice device) => ((CudaDriver)device).LiveAllocations;
}
