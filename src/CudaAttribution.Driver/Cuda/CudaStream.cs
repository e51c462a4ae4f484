namespace CudaAttribution.Driver;

/// <summary>A CUDA stream that does not wait for the legacy default stream.</summary>
internal sealed unsafe class CudaStream : IStream
{
    public CudaStream(CudaDriver device)
    {
        Device = device;
        nint stream;
        CudaError.Check(CudaApi.StreamCreate(&stream, CudaApi.StreamNonBlocking), "create a stream");
        Handle = stream;
    }

    public nint Handle { get; }

    public CudaDriver Device { get; }

    public bool IsCapturing { get; set; }

    public bool IsDisposed { get; private set; }

    public void Synchronize()
    {
        Device.Require(this, "waiting for the stream");
        CudaError.Check(CudaApi.StreamSynchronize(Handle), "finish the work of a stream");
    }

    public void Wait(IEvent recorded)
    {
        Device.Require(this, "waiting for an event");
        CudaEvent other = Device.Require(recorded);
        other.RequireRecorded();
        CudaError.Check(CudaApi.StreamWaitEvent(Handle, other.Handle, 0), "make a stream wait for an event");
    }

    public void Dispose()
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            if (Device.TryMakeCurrent())
            {
                CudaError.Discard(CudaApi.StreamDestroy(Handle));
            }
        }
    }
}

/// <summary>A CUDA event that can be timed.</summary>
internal sealed unsafe class CudaEvent : IEvent
{
    private readonly CudaDriver _device;
    private bool _recorded;

    public CudaEvent(CudaDriver device)
    {
        _device = device;
        nint created;
        CudaError.Check(CudaApi.EventCreate(&created, 0), "create an event");
        Handle = created;
    }

    public nint Handle { get; }

    public CudaDriver Device => _device;

    public bool IsDisposed { get; private set; }

    public void Record(IStream stream)
    {
        _device.Require(this);
        CudaStream on = _device.Require(stream, "recording an event");
        CudaError.Check(CudaApi.EventRecord(Handle, on.Handle), "record an event");
        _recorded = true;
    }

    public void Synchronize()
    {
        _device.Require(this);
        CudaError.Check(CudaApi.EventSynchronize(Handle), "wait for an event");
    }

    public double ElapsedSince(IEvent start)
    {
        CudaEvent from = _device.Require(start);
        _device.Require(this);
        from.RequireRecorded();
        RequireRecorded();
        float milliseconds;
        CudaError.Check(CudaApi.EventElapsedTime(&milliseconds, from.Handle, Handle), "read the time between two events");
        return milliseconds;
    }

    public void RequireRecorded()
    {
        if (!_recorded)
        {
            throw DeviceErrors.EventNotRecorded();
        }
    }

    public void Dispose()
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            if (_device.TryMakeCurrent())
            {
                CudaError.Discard(CudaApi.EventDestroy(Handle));
            }
        }
    }
}
