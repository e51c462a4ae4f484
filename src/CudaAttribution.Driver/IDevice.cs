namespace CudaAttribution.Driver;

/// <summary>
/// One opened device: memory, streams, events, kernels, graphs, in the vocabulary C# CUDA users know. Implementations: <c>CudaDevice</c>
/// (NVIDIA GPU through the driver API) and <c>HostDriver</c> (the same kernels on the CPU, as <c>cpu</c> or <c>simt</c>).
/// </summary>
/// <remarks>
/// Launches and copies are ordered within a stream and never synchronise, time or allocate; the caller synchronises a stream before it reads
/// host memory that a copy writes. Pointers are device addresses; on a host device they are ordinary addresses. Every failure is a
/// <see cref="DeviceException"/>. Not thread-safe: one thread uses one device at a time.
/// </remarks>
public interface IDevice : IDisposable
{
    /// <summary>What the device is: shown by <c>doctor</c> and written to the manifest.</summary>
    DeviceInfo Info { get; }

    /// <summary>The stream of all its work.</summary>
    IStream DefaultStream { get; }

    /// <summary>The project's kernels: the PTX module on a GPU, the native kernel library on a host device.</summary>
    IModule Kernels { get; }

    /// <summary>
    /// Makes the device's context current on this thread, for a library that works on what is current there (cuBLAS, cuDNN). The device's own
    /// methods do so themselves; a host device has no context.
    /// </summary>
    void MakeCurrent();

    /// <summary>Bytes that could be allocated now: what the driver calls free, on a host device what the operating system does.</summary>
    long FreeMemory();

    /// <summary>Allocates device memory, at least 256-byte aligned, contents undefined.</summary>
    /// <exception cref="DeviceOutOfMemoryException">The device has not that much memory left.</exception>
    nint Allocate(long bytes);

    /// <summary>Frees memory that <see cref="Allocate"/> returned.</summary>
    void Free(nint pointer);

    /// <summary>Copies host memory to the device; returns when <paramref name="source"/> may be reused.</summary>
    void CopyToDevice(nint destination, ReadOnlySpan<byte> source, IStream stream);

    /// <summary>Copies device memory to the host; returns when the data is there (it waits for the stream).</summary>
    void CopyToHost(Span<byte> destination, nint source, IStream stream);

    /// <summary>Copies within the device, ordered in the stream.</summary>
    void CopyOnDevice(nint destination, nint source, long bytes, IStream stream);

    /// <summary>Sets bytes on the device, ordered in the stream.</summary>
    void Fill(nint destination, byte value, long bytes, IStream stream);

    IEvent CreateEvent();

    /// <summary>
    /// Starts recording what is issued on the stream instead of running it. Launches, <see cref="CopyOnDevice"/> and <see cref="Fill"/> can be
    /// recorded; anything that touches host memory or waits is refused with <see cref="DeviceStatus.StreamCaptureUnsupported"/>.
    /// </summary>
    void BeginCapture(IStream stream);

    /// <summary>Ends recording; the graph replays the recorded work with the recorded arguments.</summary>
    IGraph EndCapture(IStream stream);
}

/// <summary>An ordered queue of device work; the device's own.</summary>
public interface IStream
{
    /// <summary>The driver's handle (a <c>CUstream</c>; 0 on a host device).</summary>
    nint Handle { get; }

    /// <summary>Waits until everything issued so far is done; reports a failed launch.</summary>
    void Synchronize();
}

/// <summary>A point in a stream, to wait for or to time between.</summary>
public interface IEvent : IDisposable
{
    void Record(IStream stream);

    void Synchronize();

    /// <summary>Milliseconds from <paramref name="start"/> to this event; both must have been reached.</summary>
    double ElapsedSince(IEvent start);
}

/// <summary>A set of kernels.</summary>
public interface IModule : IDisposable
{
    /// <summary>Finds a kernel by its entry name; the same object each time.</summary>
    /// <exception cref="DeviceException">No kernel of that name (<see cref="DeviceStatus.NotFound"/>).</exception>
    IKernel GetKernel(string name);

    /// <summary>Whether the kernels were compiled for blocks of one thread, which runs the whole tile: some then have larger tiles.</summary>
    bool OneThreadPerBlock { get; }

    /// <summary>Every kernel name of the module, in ordinal order.</summary>
    IReadOnlyList<string> KernelNames { get; }

    /// <summary>SHA-256 of the module's image, for the manifest.</summary>
    string Hash { get; }

    /// <summary>
    /// What the image is: <c>PTX, compiled by the driver</c>, <c>kernels.sm_90.cubin (ptxas 12.4.131)</c>, or the file of a native kernel library.
    /// </summary>
    string Image { get; }
}

/// <summary>One kernel. It takes exactly one argument: its parameter structure.</summary>
public interface IKernel
{
    string Name { get; }

    /// <summary>Threads per block; fixed by the kernel, 1 on the <c>cpu</c> device.</summary>
    int BlockSize { get; }

    /// <summary>Size of the parameter structure in bytes; 0 where the driver cannot tell.</summary>
    int ParameterBytes { get; }

    KernelAttributes Attributes { get; }

    /// <summary>Issues the kernel over <paramref name="grid"/> blocks. <paramref name="parameters"/> is read before the call returns.</summary>
    /// <exception cref="DeviceException">The driver refused the launch; the message names the kernel and the grid.</exception>
    unsafe void Launch(Grid grid, void* parameters, IStream stream);
}

/// <summary>Recorded work that can be replayed at the cost of one launch.</summary>
public interface IGraph : IDisposable
{
    void Replay(IStream stream);
}

/// <summary>Blocks of a launch along x, y, z.</summary>
public readonly record struct Grid(int X, int Y = 1, int Z = 1)
{
    public override string ToString() => $"({X}, {Y}, {Z})";
}

/// <summary>What the driver knows of a compiled kernel; -1 where the device has no such notion.</summary>
public readonly record struct KernelAttributes(int Registers, int SharedBytes, int LocalBytes, int PtxVersion, int BinaryVersion);

/// <summary>Identity and size of a device.</summary>
/// <param name="Id">The name that selects it: <c>cpu</c>, <c>simt</c>, <c>cuda:0</c>.</param>
/// <param name="Name">The product name, as the driver or the processor gives it.</param>
/// <param name="Binding">Which code talks to it: <c>CudaDriver</c>, <c>HostDriver</c>, <c>ManagedCudaDriver</c>.</param>
/// <param name="InstructionSet">Compute capability (<c>sm_90</c>) or host instruction set (<c>avx2</c>, <c>avx512</c>).</param>
/// <param name="DriverVersion">Driver version, or the version of the native library.</param>
/// <param name="MemoryBytes">Total memory.</param>
/// <param name="Multiprocessors">Multiprocessors, or host threads in use.</param>
public sealed record DeviceInfo(
    string Id, string Name, string Binding, string InstructionSet, string DriverVersion, long MemoryBytes, int Multiprocessors)
{
    /// <summary>The binding of a device that is the host itself.</summary>
    public const string HostBinding = "HostDriver";

    /// <summary>Bytes of the cache that all multiprocessors share (L2); 0 where the device has no such notion.</summary>
    public long CacheBytes { get; init; }

    /// <summary>Size in words: "2 threads", "132 multiprocessors".</summary>
    public string Units() => UnitsOf(Binding, Multiprocessors);

    /// <summary>The same from values read back from a file.</summary>
    public static string UnitsOf(string binding, int multiprocessors) =>
        $"{multiprocessors} {(binding == HostBinding ? "thread" : "multiprocessor")}{(multiprocessors == 1 ? "" : "s")}";
}
