namespace CudaAttribution.Driver.Cuda;

/// <summary>
/// The primary context of one CUDA device, shared with other libraries in the process (cuBLAS, cuDNN). It is made current on every call, so
/// that any thread may use the device.
/// </summary>
internal sealed unsafe class CudaContext : IDisposable
{
    private readonly ICudaApi _api;
    private readonly int _device;
    private readonly nint _context;

    public CudaContext(ICudaApi api, int ordinal)
    {
        _api = api;
        (_device, Info) = CudaDevices.Describe(api, ordinal);
        nint context;
        _api.Check(_api.DevicePrimaryCtxRetain(&context, _device), $"create the context of {Id}");
        _context = context;
    }

    public ICudaApi Api => _api;

    public string Id => Info.Id;

    public DeviceInfo Info { get; }

    public bool IsDisposed { get; private set; }

    public void MakeCurrent()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        _api.Check(_api.CtxSetCurrent(_context), "make the device's context current on this thread");
    }

    /// <summary>Makes the context current for giving something back; false once it is disposed, which gave everything back.</summary>
    public bool TryMakeCurrent()
    {
        if (!IsDisposed)
        {
            CudaError.Discard(_api.CtxSetCurrent(_context));
        }
        return !IsDisposed;
    }

    /// <summary>Reads an attribute of the device.</summary>
    public int Attribute(int attribute)
    {
        int value;
        _api.Check(_api.DeviceGetAttribute(&value, attribute, _device), $"read attribute {attribute} of {Id}");
        return value;
    }

    public (long Free, long Total) Memory()
    {
        nuint free, total;
        _api.Check(_api.MemGetInfo(&free, &total), $"read the free memory of {Id}");
        return ((long)free, (long)total);
    }

    public void Dispose()
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            CudaError.Discard(_api.CtxSetCurrent(0));
            CudaError.Discard(_api.DevicePrimaryCtxRelease(_device));
        }
    }
}
