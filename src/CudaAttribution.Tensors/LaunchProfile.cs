namespace CudaAttribution.Tensors;

/// <summary>Launches and time of one kernel.</summary>
public readonly record struct KernelTime(string Kernel, long Launches, TimeSpan Time);

/// <summary>
/// Where the time of a run goes, kernel by kernel: attach it to <see cref="ComputeDevice.Profile"/>. While it is attached the device is waited for
/// around each launch, which costs a GPU its overlap and a host device nothing. Work that does not go through <see cref="ComputeDevice.Launch"/>
/// (copies, a vendor's library) is not seen.
/// </summary>
public sealed class LaunchProfile
{
    private readonly Dictionary<string, (long Launches, TimeSpan Time)> _kernels = new(StringComparer.Ordinal);

    /// <summary>Every kernel seen, the most expensive first.</summary>
    public IReadOnlyList<KernelTime> Kernels =>
        [.. _kernels.Select(k => new KernelTime(k.Key, k.Value.Launches, k.Value.Time)).OrderByDescending(k => k.Time)];

    /// <summary>Time in all kernels.</summary>
    public TimeSpan Total => _kernels.Values.Aggregate(TimeSpan.Zero, (sum, k) => sum + k.Time);

    internal void Add(string kernel, TimeSpan time)
    {
        var (launches, sum) = _kernels.GetValueOrDefault(kernel);
        _kernels[kernel] = (launches + 1, sum + time);
    }
}
