using CudaAttribution.Driver.Host;
using CudaAttribution.Driver.Probe;

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

/// <summary>The binding this build gives <c>cuda:N</c>.</summary>
[TestFixture]
[Category("Gpu")]
public sealed class CudaDeviceTests : CudaContract
{
    protected override IDevice Open() => Devices.Open("cuda:0");
}
