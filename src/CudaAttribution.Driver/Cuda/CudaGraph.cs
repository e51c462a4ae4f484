namespace CudaAttribution.Driver;

/// <summary>An instantiated CUDA graph.</summary>
internal sealed unsafe class CudaGraph : IGraph
{
    private readonly CudaDriver _device;
    private readonly nint _executable;
    private bool _disposed;

    /// <summary>Instantiates a captured graph and gives the capture back.</summary>
    public CudaGraph(CudaDriver device, nint captured)
    {
        _device = device;
        nint executable;
        int result = CudaApi.GraphInstantiateWithFlags(&executable, captured, 0);
        CudaError.Discard(CudaApi.GraphDestroy(captured));
        CudaError.Check(result, "instantiate a graph");
        _executable = executable;
    }

    public void Replay(IStream stream)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        CudaStream on = _device.Require(stream, "replaying a graph");
        CudaError.Check(CudaApi.GraphLaunch(_executable, on.Handle), "replay a graph");
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            if (_device.TryMakeCurrent())
            {
                CudaError.Discard(CudaApi.GraphExecDestroy(_executable));
            }
        }
    }
}
