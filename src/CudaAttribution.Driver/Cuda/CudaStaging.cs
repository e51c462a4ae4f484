namespace CudaAttribution.Driver.Cuda;

/// <summary>
/// Copies between pageable host memory and the device through two pinned halves, so that the copy of one chunk by the processor overlaps the
/// transfer of the other, and the source may be reused as soon as the call returns.
/// </summary>
internal sealed unsafe class CudaStaging : IDisposable
{
    private const long HalfBytes = 4L << 20;

    private readonly ICudaApi _api;
    private readonly nint _buffer;
    private readonly nint[] _busy = new nint[2];
    private int _next;

    public CudaStaging(ICudaApi api, string deviceId)
    {
        _api = api;
        _buffer = CudaMemory.PageLock(api, 2 * HalfBytes, deviceId);
        for (int half = 0; half < _busy.Length; half++)
        {
            nint created;
            _api.Check(_api.EventCreate(&created), "create a staging event");
            _busy[half] = created;
        }
    }

    /// <summary>Returns when the source has been read; the last chunks may still be on their way, in stream order.</summary>
    public void ToDevice(nint destination, byte* source, long bytes, nint stream)
    {
        for (long done = 0; done < bytes;)
        {
            long chunk = Math.Min(HalfBytes, bytes - done);
            int half = TakeHalf();
            byte* staged = Half(half);
            Buffer.MemoryCopy(source + done, staged, HalfBytes, chunk);
            _api.Check(_api.MemcpyHtoDAsync(destination + (nint)done, staged, (nuint)chunk, stream), "copy to the device");
            _api.Check(_api.EventRecord(_busy[half], stream), "record a staging event");
            done += chunk;
        }
    }

    /// <summary>Returns when all of the data is in host memory.</summary>
    public void ToHost(byte* destination, nint source, long bytes, nint stream)
    {
        long waitingAt = 0;
        long waitingBytes = 0;
        int waitingHalf = 0;
        for (long done = 0; done < bytes;)
        {
            long chunk = Math.Min(HalfBytes, bytes - done);
            int half = TakeHalf();
            _api.Check(_api.MemcpyDtoHAsync(Half(half), source + (nint)done, (nuint)chunk, stream), "copy to the host");
            _api.Check(_api.EventRecord(_busy[half], stream), "record a staging event");
            Collect(destination, waitingAt, waitingBytes, waitingHalf);
            (waitingAt, waitingBytes, waitingHalf) = (done, chunk, half);
            done += chunk;
        }
        Collect(destination, waitingAt, waitingBytes, waitingHalf);
    }

    public void Dispose()
    {
        foreach (nint busy in _busy)
        {
            CudaError.Discard(_api.EventDestroy(busy));
        }
        CudaError.Discard(_api.MemFreeHost(_buffer));
    }

    private byte* Half(int half) => (byte*)_buffer + half * HalfBytes;

    private int TakeHalf()
    {
        int half = _next;
        _next ^= 1;
        _api.Check(_api.EventSynchronize(_busy[half]), "wait for the device");
        return half;
    }

    private void Collect(byte* destination, long at, long bytes, int half)
    {
        if (bytes > 0)
        {
            _api.Check(_api.EventSynchronize(_busy[half]), "wait for the device");
            Buffer.MemoryCopy(Half(half), destination + at, bytes, bytes);
        }
    }
}
