using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Host;

/// <summary>One recorded piece of work of a host graph.</summary>
internal abstract class HostWork
{
    public abstract void Run();
}

/// <summary>A recorded launch with its own copy of the parameter bytes.</summary>
internal sealed unsafe class HostLaunchWork(HostKernel kernel, Grid grid, ReadOnlySpan<byte> parameters) : HostWork
{
    private readonly byte[] _parameters = parameters.ToArray();

    public override void Run()
    {
        fixed (byte* bytes = &MemoryMarshal.GetArrayDataReference(_parameters))
        {
            kernel.Run(grid, bytes);
        }
    }
}

internal sealed class HostCopyWork(HostDriver device, nint destination, nint source, long bytes) : HostWork
{
    public override void Run() => device.RunCopy(destination, source, bytes);
}

internal sealed class HostFillWork(HostDriver device, nint destination, byte value, long bytes) : HostWork
{
    public override void Run() => device.RunFill(destination, value, bytes);
}

/// <summary>Recorded work of a host device, replayed in order.</summary>
internal sealed class HostGraph(HostDriver device, HostWork[] work) : IGraph
{
    private bool _disposed;

    public void Replay(IStream stream)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        device.Require(stream, "replaying a graph");
        foreach (HostWork piece in work)
        {
            piece.Run();
        }
    }

    public void Dispose() => _disposed = true;
}
