namespace CudaAttribution.Driver;

/// <summary>
/// The live allocations of one device, sorted by address, so that a copy's range is checked against the block that holds it in O(log n). Frees of
/// what is not live, and ranges outside, are refused here and never reach the driver or the heap.
/// </summary>
internal sealed class AllocationTable(string deviceId)
{
    private readonly List<nint> _addresses = [];
    private readonly List<long> _sizes = [];

    public long LiveBytes { get; private set; }

    public int Count => _addresses.Count;

    public void Add(nint address, long bytes)
    {
        int index = ~_addresses.BinarySearch(address);
        _addresses.Insert(index, address);
        _sizes.Insert(index, bytes);
        LiveBytes += bytes;
    }

    public void Remove(nint address)
    {
        int index = _addresses.BinarySearch(address);
        if (index < 0)
        {
            throw DeviceErrors.InvalidValue(
                $"0x{address:x} is not live memory of {deviceId}: it was freed before, or allocated elsewhere");
        }
        LiveBytes -= _sizes[index];
        _addresses.RemoveAt(index);
        _sizes.RemoveAt(index);
    }

    /// <summary>Throws unless the range is empty or lies inside one live block.</summary>
    public void Require(nint address, long bytes, string what)
    {
        if (bytes != 0 && (bytes < 0 || !Holds(address, bytes)))
        {
            throw DeviceErrors.InvalidValue($"{what} of {bytes} bytes at 0x{address:x} does not lie inside an allocation of {deviceId}");
        }
    }

    /// <summary>Empties the table and returns what was in it.</summary>
    public List<nint> TakeAll()
    {
        List<nint> all = [.. _addresses];
        _addresses.Clear();
        _sizes.Clear();
        LiveBytes = 0;
        return all;
    }

    public static void RequireSize(long bytes, string deviceId)
    {
        if (bytes <= 0)
        {
            throw DeviceErrors.InvalidValue($"cannot allocate {bytes} bytes on {deviceId}: the size must be positive");
        }
    }

    private bool Holds(nint address, long bytes)
    {
        int index = _addresses.BinarySearch(address);
        index = index < 0 ? ~index - 1 : index;
        return index >= 0 && bytes <= _addresses[index] + _sizes[index] - address;
    }
}
