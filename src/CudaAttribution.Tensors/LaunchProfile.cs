using CudaAttribution.Driver;

namespace CudaAttribution.Tensors;

/// <summary>Launches and time of one kernel.</summary>
public readonly record struct KernelTime(string Kernel, long Launches, TimeSpan Time);

/// <summary>
/// Where the time of a run goes, kernel by kernel: attach it to <see cref="ComputeDevice.Profile"/>. Each launch stands between two events of the
/// stream, so that nothing is waited for while it is attached; a GPU then adds about a microsecond of its own to each launch, which makes small
/// kernels look a little larger. Work that does not go through <see cref="ComputeDevice.Launch"/> (copies, a vendor's library) is not seen, and a
/// graph cannot be captured meanwhile.
/// </summary>
public sealed class LaunchProfile : IDisposable
{
    /// <summary>Launches in flight at most; the device is waited for where more come.</summary>
    private const int MostPending = 1 << 14;

    private readonly record struct Pending(string Kernel, IEvent Begin, IEvent End);

    private readonly Dictionary<string, (long Launches, TimeSpan Time)> _kernels = new(StringComparer.Ordinal);
    private readonly List<Pending> _pending = [];
    private readonly Stack<IEvent> _free = [];

    /// <summary>Every kernel seen, the most expensive first. Waits for the launches seen.</summary>
    public IReadOnlyList<KernelTime> Kernels
    {
        get
        {
            Collect();
            return [.. _kernels.Select(k => new KernelTime(k.Key, k.Value.Launches, k.Value.Time)).OrderByDescending(k => k.Time)];
        }
    }

    /// <summary>Time in all kernels. Waits for the launches seen.</summary>
    public TimeSpan Total => Kernels.Aggregate(TimeSpan.Zero, (sum, k) => sum + k.Time);

    public void Dispose()
    {
        foreach (var (_, begin, end) in _pending)
        {
            begin.Dispose();
            end.Dispose();
        }
        _pending.Clear();
        while (_free.TryPop(out var unused)) unused.Dispose();
    }

    internal void Launch<T>(IDevice device, IKernel kernel, Grid grid, in T parameters, IStream stream)
        where T : unmanaged
    {
        if (_pending.Count == MostPending) Collect();
        var (begin, end) = (Event(device), Event(device));
        begin.Record(stream);
        kernel.Launch(grid, in parameters, stream);
        end.Record(stream);
        _pending.Add(new Pending(kernel.Name, begin, end));
    }

    private IEvent Event(IDevice device) => _free.TryPop(out var free) ? free : device.CreateEvent();

    private void Collect()
    {
        if (_pending.Count > 0) _pending[^1].End.Synchronize();
        foreach (var (kernel, begin, end) in _pending)
        {
            var (launches, sum) = _kernels.GetValueOrDefault(kernel);
            _kernels[kernel] = (launches + 1, sum + TimeSpan.FromMilliseconds(end.ElapsedSince(begin)));
            _free.Push(begin);
            _free.Push(end);
        }
        _pending.Clear();
    }
}
