namespace CudaAttribution.Driver.Cuda;

/// <summary>An instantiated CUDA graph.</summary>
internal sealed unsafe class CudaGraph : IGraph
{
    private readonly CudaDevice _device;
    private readonly ICudaApi _api;
    private readonly nint _executable;
    private bool _disposed;

    /// <summary>Instantiates a captured graph and gives the capture back.</summary>
    public CudaGraph(CudaDevice device, nint captured)
    {
        _device = device;
        _api = device.Api;
        nint executable;
        int result = _api.GraphInstantiate(&executable, captured);
        CudaError.Discard(_api.GraphDestroy(captured));
        _api.Check(result, "instantiate a graph");
        _executable = executable;
    }

    public void Replay(IStream stream)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        CudaStream on = _device.Require(stream, "replaying a graph");
        _api.Check(_api.GraphLaunch(_executable, on.Handle), "replay a graph");
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            if (_device.TryMakeCurrent())
            {
                CudaError.Discard(_api.GraphExecDestroy(_executable));
            }
        }
    }
}
