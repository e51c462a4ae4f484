using System.Runtime.InteropServices;

namespace CudaAttribution.Driver;

/// <summary>
/// Memory of a host device: aligned blocks with an account of what is live. Blocks are kept sorted by address, so that a copy's range is checked
/// against the block that holds it in O(log n).
/// </summary>
internal sealed unsafe class HostMemory(string deviceId, long limit) : IDisposable
{
    private const int Alignment = 256;

    private readonly List<nint> _addresses = [];
    private readonly List<Block> _blocks = [];

    public long LiveBytes { get; private set; }

    public int LiveAllocations => _blocks.Count;

    public nint Allocate(long bytes, bool pinned)
    {
        if (bytes <= 0)
        {
            throw DeviceErrors.InvalidValue($"cannot allocate {bytes} bytes on {deviceId}: the size must be positive");
        }
        if (bytes > limit - LiveBytes)
        {
            throw OutOfMemory(bytes);
        }
        nint address;
        try
        {
            address = (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        }
        catch (OutOfMemoryException)
        {
            throw OutOfMemory(bytes);
        }
        int index = ~_addresses.BinarySearch(address);
        _addresses.Insert(index, address);
        _blocks.Insert(index, new Block(bytes, pinned));
        LiveBytes += bytes;
        return address;
    }

    public void Free(nint address, bool pinned)
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
        NativeMemory.AlignedFree((void*)address);
    }

    /// <summary>Throws unless the range lies inside one live block.</summary>
    public void Require(nint address, long bytes, string what)
    {
        int index = _addresses.BinarySearch(address);
        index = index < 0 ? ~index - 1 : index;
        if (bytes < 0 || index < 0 || bytes > _addresses[index] + _blocks[index].Bytes - address)
        {
            throw DeviceErrors.InvalidValue($"{what} of {bytes} bytes at 0x{address:x} does not lie inside an allocation of {deviceId}");
        }
    }

    public void Dispose()
    {
        foreach (nint address in _addresses)
        {
            NativeMemory.AlignedFree((void*)address);
        }
        _addresses.Clear();
        _blocks.Clear();
        LiveBytes = 0;
    }

    private DeviceOutOfMemoryException OutOfMemory(long bytes) =>
        new(bytes, $"cannot allocate {bytes:N0} bytes on {deviceId}: {LiveBytes:N0} of {limit:N0} bytes are in use");

    private readonly record struct Block(long Bytes, bool Pinned);
}
