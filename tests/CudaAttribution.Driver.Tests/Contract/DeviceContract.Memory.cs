namespace CudaAttribution.Driver.Tests.Contract;

public abstract partial class DeviceContract
{
    [Test]
    public void AllocatesAlignedMemoryAndCountsIt()
    {
        var pointers = new List<nint>();
        foreach (long bytes in (long[])[1, 255, 256, 257, 1 << 20])
        {
            nint pointer = Device.Allocate(bytes);
            Assert.That((long)pointer % 256, Is.Zero);
            pointers.Add(pointer);
        }
        Assert.That(pointers, Is.Unique);
        Assert.That(LiveAllocations(Device), Is.EqualTo(pointers.Count));
        pointers.Reverse();
        pointers.ForEach(Device.Free);
        Assert.That(LiveAllocations(Device), Is.Zero);
    }

    [Test]
    public void SaysHowMuchMemoryIsFree() => Assert.That(Device.FreeMemory(), Is.InRange(1L, Device.Info.MemoryBytes));

    [TestCase(0)]
    [TestCase(-1)]
    public void RefusesToAllocateNothing(long bytes)
    {
        AssertStatus(() => Device.Allocate(bytes), DeviceStatus.InvalidValue, $"{bytes} bytes");
    }

    [Test]
    public void RunsOutOfMemoryWithATypedErrorAndGoesOn()
    {
        const long Petabyte = 1L << 50;
        var error = Assert.Throws<DeviceOutOfMemoryException>(() => Device.Allocate(Petabyte))!;
        Assert.That(error.Requested, Is.EqualTo(Petabyte));
        Assert.That(error.Message, Does.Contain(Device.Info.Id).And.Contain(Petabyte.ToString("N0")));
        nint pointer = Device.Allocate(1 << 20);
        Device.Free(pointer);
    }

    [Test]
    public void RefusesToFreeWhatIsNotLive()
    {
        nint device = Device.Allocate(512);
        AssertStatus(() => Device.Free(device + 256), DeviceStatus.InvalidValue, $"0x{device + 256:x}");
        AssertStatus(() => Device.Free(0), DeviceStatus.InvalidValue);
        Device.Free(device);
        AssertStatus(() => Device.Free(device), DeviceStatus.InvalidValue, "freed before");
    }

    // 4 MiB is the size of a staging chunk; the last size takes three chunks and a rest.
    [TestCase(1)]
    [TestCase(4096)]
    [TestCase(4 << 20)]
    [TestCase((12 << 20) + 3)]
    public void CopiesThereAndBack(int bytes)
    {
        byte[] sent = new byte[bytes];
        new Random(bytes).NextBytes(sent);
        byte[] expected = [.. sent];
        nint pointer = Device.Allocate(bytes);
        Device.CopyToDevice(pointer, sent, Device.DefaultStream);
        Array.Clear(sent);
        byte[] received = new byte[bytes];
        Device.CopyToHost(received, pointer, Device.DefaultStream);
        Assert.That(received.AsSpan().SequenceEqual(expected), "the source was cleared after the copy returned, the device must hold what it was");
        Device.Free(pointer);
    }

    [Test]
    public void CopiesAndFillsWithinTheDevice()
    {
        nint a = Device.Allocate(1024);
        nint b = Device.Allocate(1024);
        Device.Fill(a, 0x11, 1024, Device.DefaultStream);
        Device.Fill(b, 0x22, 1024, Device.DefaultStream);
        Device.Fill(a + 10, 0x33, 5, Device.DefaultStream);
        Device.CopyOnDevice(b + 100, a + 8, 9, Device.DefaultStream);
        byte[] found = new byte[1024];
        Device.CopyToHost(found, b, Device.DefaultStream);
        byte[] expected = [.. Enumerable.Repeat((byte)0x22, 1024)];
        new byte[] { 0x11, 0x11, 0x33, 0x33, 0x33, 0x33, 0x33, 0x11, 0x11 }.CopyTo(expected, 100);
        Assert.That(found, Is.EqualTo(expected));
        Device.Free(a);
        Device.Free(b);
    }

    [Test]
    public void CopiesNothingWhereNothingIsAsked()
    {
        nint a = Device.Allocate(16);
        Device.CopyToDevice(a, [], Device.DefaultStream);
        Device.CopyToHost([], a, Device.DefaultStream);
        Device.CopyOnDevice(a, a, 0, Device.DefaultStream);
        Device.Fill(a, 1, 0, Device.DefaultStream);
        Device.Free(a);
    }

    [Test]
    public void RefusesRangesOutsideAnAllocation()
    {
        nint a = Device.Allocate(1000);
        byte[] host = new byte[1001];
        IStream stream = Device.DefaultStream;
        AssertStatus(() => Device.CopyToDevice(a, host, stream), DeviceStatus.InvalidValue, "1001 bytes");
        AssertStatus(() => Device.CopyToHost(host, a, stream), DeviceStatus.InvalidValue, "1001 bytes");
        AssertStatus(() => Device.Fill(a + 999, 0, 2, stream), DeviceStatus.InvalidValue, "fill");
        AssertStatus(() => Device.Fill(a - 1, 0, 2, stream), DeviceStatus.InvalidValue, "fill");
        AssertStatus(() => Device.Fill(a, 0, -1, stream), DeviceStatus.InvalidValue, "fill");
        AssertStatus(() => Device.CopyOnDevice(a, a + 500, 501, stream), DeviceStatus.InvalidValue, "copy on the device");
        Device.Free(a);
        AssertStatus(() => Device.Fill(a, 0, 1, stream), DeviceStatus.InvalidValue, "fill");
    }
}
