using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Tests.Contract;

/// <summary>What every device must do, whatever it is made of. One fixture per device derives from this.</summary>
public abstract partial class DeviceContract
{
    protected IDevice Device { get; private set; } = null!;

    /// <summary>Opens the device under test; a second one of the same kind may be open at the same time.</summary>
    protected abstract IDevice Open();

    /// <summary>Allocations that have not been freed.</summary>
    protected abstract int LiveAllocations(IDevice device);

    [SetUp]
    public void OpenDevice() => Device = Open();

    [TearDown]
    public void CloseDevice()
    {
        if (Device is null)
        {
            return;
        }
        int live = LiveAllocations(Device);
        Device.Dispose();
        Assert.That(live, Is.Zero, "the test leaves allocations behind");
    }

    [Test]
    public void TellsWhatItIs()
    {
        Assert.That(Device.Info.Name, Is.Not.Empty);
        Assert.That(Device.Info.MemoryBytes, Is.GreaterThan(1 << 20));
        Assert.That(Device.Info.Multiprocessors, Is.Positive);
        Assert.That(Device.Info.InstructionSet, Is.Not.Empty);
    }

    [Test]
    public void StaysDisposed()
    {
        using IDevice other = Open();
        nint leaked = other.Allocate(64);
        IStream stream = other.DefaultStream;
        IEvent recorded = other.CreateEvent();
        other.Dispose();
        other.Dispose();
        recorded.Dispose();
        Assert.That(() => other.Allocate(64), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => other.Free(leaked), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => other.MakeCurrent(), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => stream.Synchronize(), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void ServesAnyThread()
    {
        float[] expected = Ramp(AddKernel.Count, 1);
        float[] found = [];
        var thread = new Thread(() =>
        {
            nint memory = Device.Allocate(AddKernel.Bytes);
            Write(memory, expected);
            found = Read(memory, AddKernel.Count);
            Device.Free(memory);
        });
        thread.Start();
        thread.Join();
        Assert.That(found, Is.EqualTo(expected));
    }

    /// <summary>Runs a test on memory for three vectors of the add kernel, of which the first two hold 0, 1, 2, ... and 0, 10, 20, ...</summary>
    protected void WithAddOperands(Action<nint, nint, nint> test)
    {
        nint a = Device.Allocate(AddKernel.Bytes);
        nint b = Device.Allocate(AddKernel.Bytes);
        nint y = Device.Allocate(AddKernel.Bytes);
        Write(a, Ramp(AddKernel.Count, 1));
        Write(b, Ramp(AddKernel.Count, 10));
        Device.Fill(y, 0, AddKernel.Bytes, Device.DefaultStream);
        test(a, b, y);
        Device.Free(a);
        Device.Free(b);
        Device.Free(y);
    }

    protected void Write(nint destination, float[] values) =>
        Device.CopyToDevice(destination, MemoryMarshal.AsBytes(values.AsSpan()), Device.DefaultStream);

    protected float[] Read(nint source, int count)
    {
        float[] values = new float[count];
        Device.CopyToHost(MemoryMarshal.AsBytes(values.AsSpan()), source, Device.DefaultStream);
        return values;
    }

    protected static float[] Ramp(int count, float step) => [.. Enumerable.Range(0, count).Select(i => i * step)];

    protected static void AssertStatus(Action action, DeviceStatus status, params string[] words)
    {
        var error = Assert.Catch<DeviceException>(action)!;
        Assert.That(error.Status, Is.EqualTo(status), error.Message);
        Assert.That(error.Message, Does.Contain("CUDA_ERROR_"));
        foreach (string word in words)
        {
            Assert.That(error.Message, Does.Contain(word));
        }
    }
}
