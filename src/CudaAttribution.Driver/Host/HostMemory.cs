using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Host;

/// <summary>Memory of a host device: aligned blocks, together no larger than the memory this process may use.</summary>
internal sealed unsafe class HostMemory(string deviceId, long limit) : IDisposable
{
    private const int Alignment = 256;

    public AllocationTable Table { get; } = new(deviceId);

    public nint Allocate(long bytes, bool pinned)
    {
        AllocationTable.RequireSize(bytes, deviceId);
        if (bytes > limit - Table.LiveBytes)
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
        Table.Add(address, bytes, pinned);
        return address;
    }

    /// <summary>What the operating system calls available, within the limit.</summary>
    public long Free() => long.Min(HostProcessor.AvailableMemory(), limit - Table.LiveBytes);

    public void Free(nint address, bool pinned)
    {
        Table.Remove(address, pinned);
        NativeMemory.AlignedFree((void*)address);
    }

    public void Dispose()
    {
        foreach ((nint address, _) in Table.TakeAll())
        {
            NativeMemory.AlignedFree((void*)address);
        }
    }

    private DeviceOutOfMemoryException OutOfMemory(long bytes) =>
        new(bytes, $"cannot allocate {bytes:N0} bytes on {deviceId}: {Table.LiveBytes:N0} of {limit:N0} bytes are in use");
}
