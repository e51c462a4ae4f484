using CudaAttribution.Driver;

namespace CudaAttribution.Tensors;

/// <summary>
/// Device memory of one device, handed out as <see cref="Storage"/> and kept for reuse by exact size: a training step asks for the same
/// sizes every time, so after the first step nothing is allocated. Reuse is ordered by the single compute stream.
/// </summary>
/// <remarks>
/// With guard bands on, each block has a pattern before and after it that is checked when the block comes back, and begins as NaN (each byte 255), so
/// that an element that no kernel wrote shows.
/// </remarks>
public sealed class MemoryPool : IDisposable
{
    private const int Alignment = 256;
    private const int GuardBytes = 256;
    private const byte GuardPattern = 0xA5;
    private const byte Poison = 0xFF;

    private readonly IDevice _device;
    private readonly bool _guard;
    private readonly Dictionary<long, Stack<nint>> _free = [];
    private long _workspace;

    internal MemoryPool(IDevice device, bool guardBands)
    {
        _device = device;
        _guard = guardBands;
    }

    /// <summary>Bytes handed out now.</summary>
    public long InUse { get; private set; }

    /// <summary>The largest <see cref="InUse"/> so far.</summary>
    public long Peak { get; private set; }

    /// <summary>Bytes obtained from the driver, used or kept for reuse.</summary>
    public long Reserved { get; private set; }

    /// <summary>The largest <see cref="Reserved"/> so far.</summary>
    public long PeakReserved { get; private set; }

    /// <summary>The largest part of <see cref="InUse"/> so far that is no workspace.</summary>
    public long PeakTensors { get; private set; }

    /// <summary>A block for a tensor.</summary>
    public Storage Rent(long bytes) => Rent(bytes, workspace: false);

    /// <summary>A block that an engine needs while it computes one result.</summary>
    public Storage RentWorkspace(long bytes) => Rent(bytes, workspace: true);

    /// <summary>Lets the peaks begin anew from what is in use now.</summary>
    public void ResetPeaks() => (Peak, PeakReserved, PeakTensors) = (InUse, Reserved, InUse - _workspace);

    private Storage Rent(long bytes, bool workspace)
    {
        long size = long.Max(Alignment, (bytes + Alignment - 1) / Alignment * Alignment);
        if (!_free.TryGetValue(size, out var stack) || !stack.TryPop(out nint block)) block = Obtain(size);
        if (_guard) _device.Fill(block + GuardBytes, Poison, size, _device.DefaultStream);
        InUse += size;
        if (workspace) _workspace += size;
        Peak = long.Max(Peak, InUse);
        PeakTensors = long.Max(PeakTensors, InUse - _workspace);
        return new Storage(this, block + (_guard ? GuardBytes : 0), bytes, size, workspace);
    }

    internal void Return(Storage storage)
    {
        nint block = storage.Pointer - (_guard ? GuardBytes : 0);
        if (_guard) CheckGuards(block, storage.Size);
        if (!_free.TryGetValue(storage.Size, out var stack)) _free[storage.Size] = stack = new Stack<nint>();
        stack.Push(block);
        InUse -= storage.Size;
        if (storage.IsWorkspace) _workspace -= storage.Size;
    }

    /// <summary>Gives blocks kept for reuse back to the driver.</summary>
    public void Trim()
    {
        _device.DefaultStream.Synchronize();
        foreach (var (size, stack) in _free)
        {
            while (stack.TryPop(out nint block))
            {
                _device.Free(block);
                Reserved -= size + Guards;
            }
        }
        _free.Clear();
    }

    public void Dispose() => Trim();

    private long Guards => _guard ? 2 * GuardBytes : 0;

    private nint Obtain(long size)
    {
        nint block;
        try
        {
            block = _device.Allocate(size + Guards);
        }
        catch (DeviceOutOfMemoryException) when (_free.Values.Any(s => s.Count > 0))
        {
            Trim();
            block = _device.Allocate(size + Guards);
        }
        Reserved += size + Guards;
        PeakReserved = long.Max(PeakReserved, Reserved);
        if (_guard)
        {
            _device.Fill(block, GuardPattern, GuardBytes, _device.DefaultStream);
            _device.Fill(block + GuardBytes + (nint)size, GuardPattern, GuardBytes, _device.DefaultStream);
        }
        return block;
    }

    private void CheckGuards(nint block, long size)
    {
        Span<byte> guard = stackalloc byte[GuardBytes];
        foreach (var (offset, side) in new[] { (0L, "before"), (GuardBytes + size, "after") })
        {
            _device.CopyToHost(guard, block + (nint)offset, _device.DefaultStream);
            if (guard.ContainsAnyExcept(GuardPattern)) throw new InvalidOperationException($"a kernel wrote {side} its tensor of {size} bytes");
        }
    }
}

/// <summary>One block of device memory, shared by the tensors that view it; it returns to the pool with its last holder.</summary>
public sealed class Storage
{
    private MemoryPool? _pool;
    private nint _pointer;
    private int _holders = 1;

    internal Storage(MemoryPool pool, nint pointer, long bytes, long size, bool workspace)
    {
        (_pool, _pointer, Bytes, Size, IsWorkspace) = (pool, pointer, bytes, size, workspace);
    }

    /// <summary>A block that gets its memory later (<see cref="Take"/>), so that tensors over it can be made before its size is known.</summary>
    internal Storage()
    {
    }

    public nint Pointer => _pool is null
        ? throw new InvalidOperationException("this memory is not allocated yet: freeze the parameter set first")
        : _pointer;

    /// <summary>Bytes asked for.</summary>
    public long Bytes { get; private set; }

    internal long Size { get; private set; }

    internal bool IsWorkspace { get; }

    /// <summary>Takes over the memory of <paramref name="block"/>, which must not be used any more.</summary>
    internal void Take(Storage block) => (_pool, _pointer, Bytes, Size) = (block._pool, block._pointer, block.Bytes, block.Size);

    internal void Retain()
    {
        ObjectDisposedException.ThrowIf(_holders == 0, this);
        _holders++;
    }

    internal void Release()
    {
        ObjectDisposedException.ThrowIf(_holders == 0, this);
        if (--_holders == 0) _pool?.Return(this);
    }
}
