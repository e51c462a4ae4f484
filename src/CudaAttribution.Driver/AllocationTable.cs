namespace CudaAttribution.Driver;

/// <summary>
/// The live allocations of one device, sorted by address, so that a copy's range is checked against the block that holds it in O(log n). Frees of
/// what is not live, and ranges outside, are refused here and never reach the driver or the heap.
/// </summary>
internal sealed class AllocationTable(string deviceId)
{
    private readonly List<nint> _addresses = [];
    private readonly List<Block> _blocks = [];

    public long LiveBytes { get; private set; }

    public int Count => _blocks.Count;

    public void Add(nint address, long bytes, bool pinned)
    {
        int index = ~_addresses.BinarySearch(address);
        _addresses.Insert(index, address);
        _blocks.Insert(index, new Block(bytes, pinned));
        LiveBytes += bytes;
    }

    public void Remove(nint address, bool pinned)
    {
        int index = _addresses.BinarySearch(address);
        if (index < 0 || _blocks[index].Pinned != pinned)
        {
            throw DeviceErrors.InvalidValue(
                $"0x{address:x} is not live {(pinned ? "pinned" : "device")} memory of {deviceId}: it was freed before, or allocated elsewhere");
        }
        LiveBytes -= _blocks[index].Bytes;
        _addresses.RemoveAt(index);
        _blocks.RemoveAt(index);
    }

    /// <summary>Throws unless the range is empty or lies inside one live block.</summary>
    public void Require(nint address, long bytes, string what)
    {
        if (bytes != 0 && (bytes < 0 || !Holds(address, bytes, out _)))
        {
            throw DeviceErrors.InvalidValue($"{what} of {bytes} bytes at 0x{address:x} does not lie inside an allocation of {deviceId}");
        }
    }

    /// <summary>Whether the range lies inside one live block of page-locked host memory.</summary>
    public bool IsPinned(nint address, long bytes) => Holds(address, bytes, out bool pinned) && pinned;

    /// <summary>Empties the table and returns what was in it.</summary>
    public List<(nint Address, bool Pinned)> TakeAll()
    {
        var all = _addresses.Zip(_blocks, (address, block) => (address, block.Pinned)).ToList();
        _addresses.Clear();
        _blocks.Clear();
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

    private bool Holds(nint address, long bytes, out bool pinned)
    {
        int index = _addresses.BinarySearch(address);
        index = index < 0 ? ~index - 1 : index;
        pinned = index >= 0 && _blocks[index].Pinned;
        return index >= 0 && bytes <= _addresses[index] + _blocks[index].Bytes - address;
    }

    private readonly record struct Block(long Bytes, bool Pinned);
}
