namespace CudaAttribution.Driver.Cuda;

/// <summary>A CUDA stream that does not wait for the legacy default stream.</summary>
internal sealed unsafe class CudaStream : IStream, IDisposable
{
    private readonly ICudaApi _api;

    public CudaStream(CudaDevice device)
    {
        Device = device;
        _api = device.Api;
        nint stream;
        _api.Check(_api.StreamCreate(&stream, CudaConstants.StreamNonBlocking), "create a stream");
        Handle = stream;
    }

    public nint Handle { get; }

    public CudaDevice Device { get; }

    public bool IsCapturing { get; set; }

    public void Synchronize()
    {
        Device.Require(this, "waiting for the stream");
        _api.Check(_api.StreamSynchronize(Handle), "finish the work of a stream");
    }

    /// <summary>The device disposes it, once, with its context current.</summary>
    public void Dispose() => CudaError.Discard(_api.StreamDestroy(Handle));
}

/// <summary>A CUDA event that can be timed.</summary>
internal sealed unsafe class CudaEvent : IEvent
{
    private readonly CudaDevice _device;
    private readonly ICudaApi _api;
    private bool _recorded;

    public CudaEvent(CudaDevice device)
    {
        _device = device;
        _api = device.Api;
        nint created;
        _api.Check(_api.EventCreate(&created), "create an event");
        Handle = created;
    }

    public nint Handle { get; }

    public CudaDevice Device => _device;

    public bool IsDisposed { get; private set; }

    public void Record(IStream stream)
    {
        _device.Require(this);
        CudaStream on = _device.Require(stream, "recording an event");
        _api.Check(_api.EventRecord(Handle, on.Handle), "record an event");
        _recorded = true;
    }

    public void Synchronize()
    {
        _device.Require(this);
        _api.Check(_api.EventSynchronize(Handle), "wait for an event");
    }

    public double ElapsedSince(IEvent start)
    {
        CudaEvent from = _device.Require(start);
        _device.Require(this);
        from.RequireRecorded();
        RequireRecorded();
        float milliseconds;
        _api.Check(_api.EventElapsedTime(&milliseconds, from.Handle, Handle), "read the time between two events");
        return milliseconds;
    }

    private void RequireRecorded()
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
                CudaError.Discard(_api.EventDestroy(Handle));
            }
        }
    }
}
