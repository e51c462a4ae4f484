namespace CudaAttribution.Driver;

/// <summary>
/// The primary context of one CUDA device, shared with other libraries in the process (cuBLAS, cuDNN). It is made current on every call, so
/// that any thread may use the device.
/// </summary>
internal sealed unsafe class CudaContext : IDisposable
{
    private readonly int _device;
    private readonly nint _context;

    public CudaContext(int ordinal)
    {
        (_device, Info) = CudaDevices.Describe(ordinal);
        nint context;
        CudaError.Check(CudaApi.DevicePrimaryCtxRetain(&context, _device), $"create the context of {Id}");
        _context = context;
    }

    public string Id => Info.Id;

    public DeviceInfo Info { get; }

    public bool IsDisposed { get; private set; }

    public void MakeCurrent()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        CudaError.Check(CudaApi.CtxSetCurrent(_context), "make the device's context current on this thread");
    }

    /// <summary>Makes the context current for giving something back; false once it is disposed, which gave everything back.</summary>
    public bool TryMakeCurrent()
    {
        if (!IsDisposed)
        {
            CudaError.Discard(CudaApi.CtxSetCurrent(_context));
        }
        return !IsDisposed;
    }

    public (long Free, long Total) Memory()
    {
        nuint free, total;
        CudaError.Check(CudaApi.MemGetInfo(&free, &total), $"read the free memory of {Id}");
        return ((long)free, (long)total);
    }

    public void Dispose()
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            CudaError.Discard(CudaApi.CtxSetCurrent(0));
            CudaError.Discard(CudaApi.DevicePrimaryCtxRelease(_device));
        }
    }
}
