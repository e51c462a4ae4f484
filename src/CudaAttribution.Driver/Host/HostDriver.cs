using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Host;

/// <summary>
/// The kernels on the processor: <c>cpu</c> (one thread per block, vectorised, blocks spread over the cores) and <c>simt</c> (real block sizes, for
/// proof). Streams are synchronous: work is done when the call returns.
/// </summary>
public sealed unsafe class HostDriver : IDevice
{
    public const string CpuId = "cpu";
    public const string SimtId = "simt";

    /// <summary>The most threads that can be asked for.</summary>
    public const int MaxThreads = HostProcessor.MaxThreads;

    private readonly HostLibrary _library;
    private readonly HostMemory _memory;
    private bool _disposed;

    private HostDriver(string id, string instructionSet, string libraryFile, int? threads)
    {
        _library = HostLibrary.Open(libraryFile);
        _library.Threads = HostProcessor.ChooseThreads(threads);
        long limit = HostProcessor.MemoryBytes();
        _memory = new HostMemory(id, limit);
        Info = new DeviceInfo(
            id,
            HostProcessor.ModelName(),
            DeviceInfo.HostBinding,
            instructionSet,
            $"{Path.GetFileName(_library.Path)} (ABI {HostLibrary.AbiVersion})",
            limit,
            _library.Threads);
        OneThreadPerBlock = id == CpuId;
        Default = new HostStream(this);
        Kernels = new HostModule(this, _library);
    }

    public DeviceInfo Info { get; }

    public IStream DefaultStream => Default;

    public IModule Kernels { get; }

    /// <summary>Full path of the native library in use.</summary>
    public string LibraryPath => _library.Path;

    /// <summary>Allocations that have not been freed.</summary>
    public int LiveAllocations => _memory.Table.Count;

    /// <summary>Bytes of the allocations that have not been freed.</summary>
    public long LiveBytes => _memory.Table.LiveBytes;

    /// <summary>
    /// Threads of a launch. They belong to the native library, so every device of the same kind in the process shares the number. No bit depends on it.
    /// </summary>
    public int Threads
    {
        get => _library.Threads;
        set => _library.Threads = value;
    }

    /// <summary>
    /// Whether a block is one thread that runs the whole tile (<c>cpu</c>), or has the kernel's own number of threads (<c>simt</c>).
    /// </summary>
    internal bool OneThreadPerBlock { get; }

    private HostStream Default { get; }

    /// <summary>The device <c>cpu</c>, in the build that suits the processor.</summary>
    /// <param name="threads">
    /// Threads of a launch, 1 to <see cref="MaxThreads"/>; null for CUDATTR_THREADS or, without it, one for each processor this process may use.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">So many threads cannot be had.</exception>
    /// <exception cref="DeviceUnavailableException">The processor cannot run the kernels, or CUDATTR_ISA / CUDATTR_THREADS cannot be met.</exception>
    /// <exception cref="NativeLibraryException">The library is missing or of another build.</exception>
    public static HostDriver OpenCpu(int? threads = null)
    {
        string isa = HostProcessor.ChooseIsa();
        return new HostDriver(CpuId, isa, CpuLibraryFile(isa), threads);
    }

    /// <summary>The device <c>simt</c>: the same kernels with their GPU block sizes, threads as fibers.</summary>
    /// <inheritdoc cref="OpenCpu" path="/param"/>
    /// <inheritdoc cref="OpenCpu" path="/exception"/>
    public static HostDriver OpenSimt(int? threads = null)
    {
        if (!HostProcessor.HasAvx2)
        {
            HostProcessor.ChooseIsa();
        }
        return new HostDriver(SimtId, "avx2", SimtLibraryFile, threads);
    }

    /// <summary>
    /// Sets an option of the native library, for example simt's <c>random_order</c>: the seed of the order in which a block's threads run.
    /// </summary>
    /// <exception cref="DeviceException">The device has no such option.</exception>
    public void SetOption(string name, int value) => _library.SetOption(name, value);

    public void MakeCurrent() => RequireOpen();

    public long FreeMemory()
    {
        RequireOpen();
        return _memory.Free();
    }

    public nint Allocate(long bytes)
    {
        RequireOpen();
        return _memory.Allocate(bytes);
    }

    public void Free(nint pointer)
    {
        RequireOpen();
        _memory.Free(pointer);
    }

    public void CopyToDevice(nint destination, ReadOnlySpan<byte> source, IStream stream)
    {
        Require(stream, "a copy from the host");
        _memory.Table.Require(destination, source.Length, "copy to the device");
        fixed (byte* from = source)
        {
            Buffer.MemoryCopy(from, (void*)destination, source.Length, source.Length);
        }
    }

    public void CopyToHost(Span<byte> destination, nint source, IStream stream)
    {
        Require(stream, "a copy to the host");
        _memory.Table.Require(source, destination.Length, "copy to the host");
        fixed (byte* to = destination)
        {
            Buffer.MemoryCopy((void*)source, to, destination.Length, destination.Length);
        }
    }

    public void CopyOnDevice(nint destination, nint source, long bytes, IStream stream)
    {
        HostStream host = Require(stream);
        _memory.Table.Require(destination, bytes, "copy on the device");
        _memory.Table.Require(source, bytes, "copy on the device");
        if (host.Recording is { } recording)
        {
            recording.Add(new HostCopyWork(this, destination, source, bytes));
        }
        else
        {
            RunCopy(destination, source, bytes);
        }
    }

    public void Fill(nint destination, byte value, long bytes, IStream stream)
    {
        HostStream host = Require(stream);
        _memory.Table.Require(destination, bytes, "fill");
        if (host.Recording is { } recording)
        {
            recording.Add(new HostFillWork(this, destination, value, bytes));
        }
        else
        {
            RunFill(destination, value, bytes);
        }
    }

    public IEvent CreateEvent()
    {
        RequireOpen();
        return new HostEvent(this);
    }

    public void BeginCapture(IStream stream) => Require(stream, "another capture").Recording = [];

    public IGraph EndCapture(IStream stream)
    {
        HostStream host = Require(stream);
        HostWork[] work = host.Recording?.ToArray() ?? throw DeviceErrors.NoCapture();
        host.Recording = null;
        return new HostGraph(this, work);
    }

    /// <summary>Frees what is still allocated; pointers into it are invalid from then on.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            Kernels.Dispose();
            _memory.Dispose();
        }
    }

    internal const string SimtLibraryFile = "libcuattr_simt.so";

    internal static string CpuLibraryFile(string isa) => $"libcuattr_cpu_{isa}.so";

    internal void RunCopy(nint destination, nint source, long bytes)
    {
        _memory.Table.Require(destination, bytes, "copy on the device");
        _memory.Table.Require(source, bytes, "copy on the device");
        Buffer.MemoryCopy((void*)source, (void*)destination, bytes, bytes);
    }

    internal void RunFill(nint destination, byte value, long bytes)
    {
        _memory.Table.Require(destination, bytes, "fill");
        NativeMemory.Fill((void*)destination, (nuint)bytes, value);
    }

    /// <summary>The stream as this device's own.</summary>
    internal HostStream Require(IStream stream)
    {
        RequireOpen();
        return stream is HostStream host && ReferenceEquals(host.Device, this) ? host : throw DeviceErrors.ForeignStream(Info.Id);
    }

    /// <summary>The stream as this device's own, refused while it records a graph.</summary>
    internal HostStream Require(IStream stream, string what)
    {
        HostStream host = Require(stream);
        return host.Recording is null ? host : throw DeviceErrors.Capturing(what);
    }

    /// <summary>The event as this device's own.</summary>
    internal HostEvent Require(IEvent recorded)
    {
        RequireOpen();
        return recorded is HostEvent host && ReferenceEquals(host.Device, this) && !host.IsDisposed ? host : throw DeviceErrors.ForeignEvent(Info.Id);
    }

    private void RequireOpen() => ObjectDisposedException.ThrowIf(_disposed, this);
}
