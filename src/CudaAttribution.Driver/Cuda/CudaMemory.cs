namespace CudaAttribution.Driver.Cuda;

/// <summary>Device and pinned memory of a CUDA device, with an account of what is live.</summary>
internal sealed unsafe class CudaMemory(CudaContext context)
{
    private readonly ICudaApi _api = context.Api;

    public AllocationTable Table { get; } = new(context.Id);

    public nint Allocate(long bytes)
    {
        AllocationTable.RequireSize(bytes, context.Id);
        nint pointer;
        int result = _api.MemAlloc(&pointer, (nuint)bytes);
        if (result == (int)DeviceStatus.OutOfMemory)
        {
            (long free, long total) = context.Memory();
            throw new DeviceOutOfMemoryException(
                bytes,
                $"cannot allocate {bytes:N0} bytes on {context.Id}: {free:N0} of {total:N0} bytes are free, "
                + $"{Table.LiveBytes:N0} are held by this program");
        }
        _api.Check(result, "allocate device memory");
        Table.Add(pointer, bytes, pinned: false);
        return pointer;
    }

    public void Free(nint pointer)
    {
        Table.Remove(pointer, pinned: false);
        _api.Check(_api.MemFree(pointer), "free device memory");
    }

    public nint AllocatePinned(long bytes)
    {
        AllocationTable.RequireSize(bytes, context.Id);
        nint pointer = PageLock(_api, bytes, context.Id);
        Table.Add(pointer, bytes, pinned: true);
        return pointer;
    }

    public void FreePinned(nint pointer)
    {
        Table.Remove(pointer, pinned: true);
        _api.Check(_api.MemFreeHost(pointer), "free page-locked host memory");
    }

    /// <summary>Allocates page-locked host memory outside the account.</summary>
    public static nint PageLock(ICudaApi api, long bytes, string deviceId)
    {
        nint pointer;
        int result = api.MemHostAlloc(&pointer, (nuint)bytes, CudaConstants.HostAllocPortable);
        if (result == (int)DeviceStatus.OutOfMemory)
        {
            throw new DeviceOutOfMemoryException(bytes, $"cannot page-lock {bytes:N0} bytes of host memory for {deviceId}");
        }
        api.Check(result, "allocate page-locked host memory");
        return pointer;
    }

    /// <summary>Frees what is live.</summary>
    public void FreeAll()
    {
        foreach ((nint address, bool pinned) in Table.TakeAll())
        {
            CudaError.Discard(pinned ? _api.MemFreeHost(address) : _api.MemFree(address));
        }
    }
}
