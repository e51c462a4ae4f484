using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>A device and a folder for each test; afterwards all memory of the device must have been returned.</summary>
public abstract class DeviceFixture
{
    private TemporaryFolder _folder = null!;

    protected ComputeDevice Device { get; private set; } = null!;

    private protected TemporaryFolder Folder => _folder;

    [SetUp]
    public void SetUp() => (Device, _folder) = (ComputeDevice.Open("cpu"), new TemporaryFolder());

    [TearDown]
    public void TearDown()
    {
        Assert.That(Device.Pool.InUse, Is.Zero, "memory not returned");
        Device.Dispose();
        _folder.Dispose();
    }
}
