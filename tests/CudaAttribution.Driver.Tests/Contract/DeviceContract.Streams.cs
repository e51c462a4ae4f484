namespace CudaAttribution.Driver.Tests.Contract;

public abstract partial class DeviceContract
{
    [Test]
    public void TimesBetweenEvents()
    {
        using IEvent start = Device.CreateEvent();
        using IEvent end = Device.CreateEvent();
        nint a = Device.Allocate(1 << 20);
        start.Record(Device.DefaultStream);
        for (int i = 0; i < 20; i++)
        {
            Device.Fill(a, (byte)i, 1 << 20, Device.DefaultStream);
        }
        end.Record(Device.DefaultStream);
        end.Synchronize();
        Assert.That(end.ElapsedSince(start), Is.GreaterThan(0).And.LessThan(10_000));
        Device.Free(a);
    }

    [Test]
    public void RefusesEventsThatWereNeverRecorded()
    {
        using IEvent recorded = Device.CreateEvent();
        using IEvent blank = Device.CreateEvent();
        recorded.Record(Device.DefaultStream);
        recorded.Synchronize();
        AssertStatus(() => recorded.ElapsedSince(blank), DeviceStatus.InvalidHandle, "never recorded");
        AssertStatus(() => blank.ElapsedSince(recorded), DeviceStatus.InvalidHandle, "never recorded");
    }

    [Test]
    public void RefusesStreamsAndEventsOfAnotherDeviceAndDisposedOnes()
    {
        using IDevice other = Open();
        using IEvent foreignEvent = other.CreateEvent();
        foreignEvent.Record(other.DefaultStream);
        using IEvent own = Device.CreateEvent();
        own.Record(Device.DefaultStream);
        IEvent disposed = Device.CreateEvent();
        disposed.Dispose();
        disposed.Dispose();
        nint a = Device.Allocate(16);
        AssertStatus(() => Device.Fill(a, 0, 16, other.DefaultStream), DeviceStatus.InvalidHandle, Device.Info.Id);
        AssertStatus(() => own.ElapsedSince(foreignEvent), DeviceStatus.InvalidHandle, Device.Info.Id);
        AssertStatus(() => disposed.Record(Device.DefaultStream), DeviceStatus.InvalidHandle, "disposed");
        Device.Free(a);
    }

    [Test]
    public void RecordsAGraphWithoutRunningItAndReplaysIt()
    {
        WithAddOperands((a, b, y) =>
        {
            IStream stream = Device.DefaultStream;
            IKernel add = Device.Kernels.GetKernel(AddKernel.Name);
            AddKernel.Params parameters = AddKernel.Of(a, b, y);
            Device.BeginCapture(stream);
            Device.Fill(a, 0, sizeof(float), stream);
            add.Launch(new Grid(1), parameters, stream);
            Device.CopyOnDevice(b, y, AddKernel.Bytes, stream);
            parameters.Y = 0; // the graph holds what was passed, not the variable
            using IGraph graph = Device.EndCapture(stream);
            Assert.That(Read(y, AddKernel.Count), Is.All.Zero, "recording must not run anything");

            graph.Replay(stream);
            Assert.That(Read(y, AddKernel.Count), Is.EqualTo(Ramp(AddKernel.Count, 11)));
            graph.Replay(stream);
            Assert.That(Read(y, AddKernel.Count), Is.EqualTo(Ramp(AddKernel.Count, 12)), "the copy into b is part of the graph");
        });
    }

    [Test]
    public void RefusesInACaptureWhatCannotBeRecorded()
    {
        nint a = Device.Allocate(16);
        byte[] host = new byte[16];
        IStream stream = Device.DefaultStream;
        using IEvent recorded = Device.CreateEvent();
        AssertStatus(() => Device.EndCapture(stream), DeviceStatus.StreamCaptureInvalidated, "no capture");
        Device.BeginCapture(stream);
        Device.Fill(a, 7, 16, stream);
        AssertStatus(() => Device.BeginCapture(stream), DeviceStatus.StreamCaptureUnsupported);
        AssertStatus(() => Device.CopyToDevice(a, host, stream), DeviceStatus.StreamCaptureUnsupported);
        AssertStatus(() => Device.CopyToHost(host, a, stream), DeviceStatus.StreamCaptureUnsupported);
        AssertStatus(() => stream.Synchronize(), DeviceStatus.StreamCaptureUnsupported);
        AssertStatus(() => recorded.Record(stream), DeviceStatus.StreamCaptureUnsupported);
        using IGraph graph = Device.EndCapture(stream);
        graph.Replay(stream);
        Device.CopyToHost(host, a, stream);
        Assert.That(host, Is.All.EqualTo((byte)7), "what was refused must not spoil the capture");
        graph.Dispose();
        Assert.That(() => graph.Replay(stream), Throws.InstanceOf<ObjectDisposedException>());
        Device.Free(a);
    }
}
