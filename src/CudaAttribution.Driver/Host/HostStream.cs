using System.Diagnostics;

namespace CudaAttribution.Driver.Host;

/// <summary>A host stream: work runs when it is issued, so the stream only remembers whether it records a graph.</summary>
internal sealed class HostStream(HostDriver device) : IStream
{
    public nint Handle => 0;

    /// <summary>What has been recorded since the capture began; null while none is under way.</summary>
    public List<HostWork>? Recording { get; set; }

    public HostDriver Device => device;

    public void Synchronize() => device.Require(this, "waiting for the stream");
}

/// <summary>A host event: the time at which it was recorded.</summary>
internal sealed class HostEvent(HostDriver device) : IEvent
{
    private long _timestamp;
    private bool _recorded;

    public bool IsDisposed { get; private set; }

    public HostDriver Device => device;

    public void Record(IStream stream)
    {
        device.Require(this);
        device.Require(stream, "recording an event");
        _timestamp = Stopwatch.GetTimestamp();
        _recorded = true;
    }

    public void Synchronize() => device.Require(this);

    public double ElapsedSince(IEvent start)
    {
        HostEvent from = device.Require(start);
        device.Require(this);
        from.RequireRecorded();
        RequireRecorded();
        return Stopwatch.GetElapsedTime(from._timestamp, _timestamp).TotalMilliseconds;
    }

    private void RequireRecorded()
    {
        if (!_recorded)
        {
            throw DeviceErrors.EventNotRecorded();
        }
    }

    public void Dispose() => IsDisposed = true;
}
