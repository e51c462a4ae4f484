using CudaAttribution.Driver;
using CudaAttribution.Tensors;

namespace CudaAttribution.Models;

/// <summary>Time between points of a device's stream, by events: the host does not wait between them.</summary>
internal sealed class StepClock(ComputeDevice device) : IDisposable
{
    private readonly List<IEvent> _marks = [];

    /// <summary>A point after what has been issued so far.</summary>
    public void Mark()
    {
        var mark = device.Driver.CreateEvent();
        _marks.Add(mark);
        mark.Record(device.Stream);
    }

    /// <summary>Milliseconds between each mark and the next, ascending. Waits for the device.</summary>
    public double[] Intervals()
    {
        device.Synchronize();
        return [.. _marks.Zip(_marks.Skip(1), (from, to) => to.ElapsedSince(from)).Order()];
    }

    public void Dispose()
    {
        foreach (var mark in _marks) mark.Dispose();
    }
}
