namespace CudaAttribution.Tensors.Engines.Nvidia;

/// <summary>cuDNN through one handle, whichever way its functions are called.</summary>
internal sealed unsafe class Cudnn : ICudnn
{
    private readonly CudnnFunctions _cudnn;
    private nint _handle;

    public Cudnn(CudnnFunctions cudnn, nint stream)
    {
        _cudnn = cudnn;
        nint handle;
        _cudnn.Check(_cudnn.Create(&handle), "start on this device; a driver older than the library is a usual reason");
        _handle = handle;
        try
        {
            _cudnn.Check(_cudnn.SetStream(handle, stream), "work on the device's stream");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Version => _cudnn.Version;

    public ICudnnConvolution Describe(in Conv2dShape shape) => new CudnnConvolution(_cudnn, _handle, shape);

    public void Dispose()
    {
        // A failed status is dropped: after a fault of the device every call fails, and the first failure has been reported.
        if (_handle != 0) _ = _cudnn.Destroy(_handle);
        _handle = 0;
    }
}
