using CudaAttribution.Driver.Host;
using CudaAttribution.Driver.Planning;
using CudaAttribution.Driver.Probe;

namespace CudaAttribution.Driver.Tests.Planning;

/// <summary>A device on which nothing runs.</summary>
public unsafe class PlanningDriverTests
{
    private IDevice _real = null!;
    private PlanningDriver _plan = null!;

    [SetUp]
    public void SetUp()
    {
        _real = Devices.Open("cpu");
        _plan = new PlanningDriver(_real);
    }

    [TearDown]
    public void TearDown()
    {
        _plan.Dispose();
        _real.Dispose();
    }

    [Test]
    public void MemoryIsAddressesOnly()
    {
        nint first = _plan.Allocate(1L << 50), second = _plan.Allocate(1), third = _plan.Allocate(300);
        Assert.That(new[] { first, second, third }, Is.Unique.And.All.Matches<nint>(a => a % 256 == 0 && a != 0));
        Assert.That(((HostDriver)_real).LiveBytes, Is.Zero);
        Assert.That(() => _plan.Allocate(0), Throws.TypeOf<DeviceException>());
        _plan.Free(first);
        Assert.That(() => _plan.Free(first), Throws.TypeOf<DeviceException>().With.Message.Contains("freed before"));
    }

    [Test]
    public void KernelsHaveTheirSizesAndDoNothing()
    {
        var planned = _plan.Kernels.GetKernel("scale_f32");
        Assert.That(planned.BlockSize, Is.EqualTo(_real.Kernels.GetKernel("scale_f32").BlockSize));
        Assert.That(_plan.Kernels.KernelNames, Is.EqualTo(_real.Kernels.KernelNames));
        Assert.That(() => planned.Launch(new Grid(1), null, _plan.DefaultStream), Throws.Nothing);
        Assert.That(() => planned.Launch(new Grid(1, 70000), null, _plan.DefaultStream), Throws.TypeOf<DeviceException>());
        Assert.That(() => _plan.Kernels.GetKernel("none"), Throws.TypeOf<DeviceException>());
    }

    [Test]
    public void TellsOfEachLaunchItsGridAndTheMemoryItsParametersPointInto()
    {
        List<PlannedLaunch> launches = [];
        using var plan = new PlanningDriver(_real, launches.Add);
        nint x = plan.Allocate(1000), y = plan.Allocate(500), gone = plan.Allocate(70);
        plan.Free(gone);
        var kernel = plan.Kernels.GetKernel("scale_f32");
        var words = new nint[(kernel.ParameterBytes + sizeof(nint) - 1) / sizeof(nint)];
        (words[0], words[1]) = (x + 999, y);
        fixed (nint* p = words) kernel.Launch(new Grid(3, 2), p, plan.DefaultStream);
        (words[0], words[1]) = (x + 1000, x + 4);
        fixed (nint* p = words) kernel.Launch(new Grid(1), p, plan.DefaultStream);
        (words[0], words[1]) = (gone, 4096);
        fixed (nint* p = words) kernel.Launch(new Grid(1), p, plan.DefaultStream);
        Assert.That(launches, Is.EqualTo(new[]
        {
            new PlannedLaunch("scale_f32", new Grid(3, 2), 1500), new PlannedLaunch("scale_f32", new Grid(1), 1000), new PlannedLaunch("scale_f32", new Grid(1), 0),
        }));
    }

    [Test]
    public void CopiesToTheHostAreZeros()
    {
        byte[] bytes = [1, 2, 3];
        nint memory = _plan.Allocate(3);
        _plan.CopyToDevice(memory, bytes, _plan.DefaultStream);
        _plan.Fill(memory, 7, 3, _plan.DefaultStream);
        _plan.CopyOnDevice(memory, memory, 3, _plan.DefaultStream);
        _plan.CopyToHost(bytes, memory, _plan.DefaultStream);
        Assert.That(bytes, Is.EqualTo(new byte[3]));
    }

    [Test]
    public void IsCalledAsTheDeviceAndHasNoGraphsOrEvents()
    {
        Assert.That(_plan.Info, Is.EqualTo(_real.Info));
        Assert.That(_plan.FreeMemory(), Is.Positive);
        Assert.That(() => _plan.BeginCapture(_plan.DefaultStream), Throws.TypeOf<DeviceException>().With.Message.Contains("cannot be planned"));
        Assert.That(_plan.CreateEvent, Throws.TypeOf<DeviceException>());
    }
}
