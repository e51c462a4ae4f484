namespace CudaAttribution.Tensors.Tests;

/// <summary>Tests on every host device, with an arena for each test.</summary>
[TestFixture("cpu")]
[TestFixture("simt")]
public abstract class ArenaFixture(string device)
{
    protected ComputeDevice Device => TestDevices.Get(device);

    protected Arena Arena { get; private set; } = null!;

    [SetUp]
    public void Open() => Arena = new Arena(Device);

    [TearDown]
    public void Close() => Arena.Dispose();
}
