using System.Reflection;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Driver.Cuda;

/// <summary>
/// An NVIDIA GPU through the CUDA driver API: all but the calls themselves, which a binding supplies (<see cref="CudaDriver"/>, or
/// <c>ManagedCudaDriver</c> in a build with it).
/// </summary>
public abstract unsafe class CudaDevice : IDevice
{
    private const string PtxResource = "kernels.sm_80.ptx";

    private readonly CudaContext _context;
    private readonly CudaMemory _memory;
    private readonly CudaStaging _staging;
    private readonly CudaStream _defaultStream;
    private readonly CudaModule _kernels;

    /// <summary>Opens device <paramref name="ordinal"/> with the kernels embedded in this assembly, or with a cubin of them beside the program.</summary>
    /// <exception cref="DeviceUnavailableException">No driver, a driver too old, no such device, or a device older than Ampere.</exception>
    /// <exception cref="DeviceException">The driver refused the kernels (the compiler's log is in the message) or another call failed.</exception>
    /// <exception cref="NativeLibraryException">There are cubins, but not as their list says; the message names the file.</exception>
    private protected CudaDevice(ICudaApi api, int ordinal)
    {
        string ptx = EmbeddedPtx();
        _context = new CudaContext(api, ordinal);
        try
        {
            _context.MakeCurrent();
            _memory = new CudaMemory(_context);
            _kernels = new CudaModule(this, ptx, KernelImage.Choose(ptx, NativeLibraryLocator.Folder, _context.Info.InstructionSet));
            _staging = new CudaStaging(api, _context.Id);
            _defaultStream = new CudaStream(this);
        }
        catch
        {
            _staging?.Dispose();
            _kernels?.Dispose();
            _context.Dispose();
            throw;
        }
    }

    public DeviceInfo Info => _context.Info;

    public IStream DefaultStream => _defaultStream;

    public IModule Kernels => _kernels;

    /// <summary>Allocations, device and pinned, that have not been freed.</summary>
    public int LiveAllocations => _memory.Table.Count;

    /// <summary>Bytes of the allocations that have not been freed.</summary>
    public long LiveBytes => _memory.Table.LiveBytes;

    /// <summary>The PTX text of the kernels.</summary>
    public static string EmbeddedPtx()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(PtxResource)
            ?? throw new NativeLibraryException(
                $"this build has no {PtxResource} inside: build it with clang-19 installed and without BuildNative=false");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Loads another PTX module beside the project's own. The caller disposes it.</summary>
    /// <exception cref="DeviceException">The driver refused the PTX; the message holds the compiler's log.</exception>
    public IModule LoadModule(string ptx)
    {
        MakeCurrent();
        return new CudaModule(this, ptx, KernelImage.OfPtx(ptx));
    }

    public void MakeCurrent() => _context.MakeCurrent();

    public long FreeMemory()
    {
        MakeCurrent();
        return _context.Memory().Free;
    }

    public nint Allocate(long bytes)
    {
        MakeCurrent();
        return _memory.Allocate(bytes);
    }

    public void Free(nint pointer)
    {
        MakeCurrent();
        _memory.Free(pointer);
    }

    public void CopyToDevice(nint destination, ReadOnlySpan<byte> source, IStream stream)
    {
        CudaStream on = Require(stream, "a copy from the host");
        _memory.Table.Require(destination, source.Length, "copy to the device");
        fixed (byte* from = source)
        {
            _staging.ToDevice(destination, from, source.Length, on.Handle);
        }
    }

    public void CopyToHost(Span<byte> destination, nint source, IStream stream)
    {
        CudaStream on = Require(stream, "a copy to the host");
        _memory.Table.Require(source, destination.Length, "copy to the host");
        fixed (byte* to = destination)
        {
            _staging.ToHost(to, source, destination.Length, on.Handle);
            Api.Check(Api.StreamSynchronize(on.Handle), "copy to the host");
        }
    }

    public void CopyOnDevice(nint destination, nint source, long bytes, IStream stream)
    {
        CudaStream on = Require(stream);
        _memory.Table.Require(destination, bytes, "copy on the device");
        _memory.Table.Require(source, bytes, "copy on the device");
        Api.Check(Api.MemcpyDtoDAsync(destination, source, (nuint)bytes, on.Handle), "copy on the device");
    }

    public void Fill(nint destination, byte value, long bytes, IStream stream)
    {
        CudaStream on = Require(stream);
        _memory.Table.Require(destination, bytes, "fill");
        Api.Check(Api.MemsetD8Async(destination, value, (nuint)bytes, on.Handle), "fill device memory");
    }

    public IEvent CreateEvent()
    {
        MakeCurrent();
        return new CudaEvent(this);
    }

    public void BeginCapture(IStream stream)
    {
        CudaStream on = Require(stream, "another capture");
        CudaLibrary.RequireExports(CudaImports.Graphs, "needed for graphs (CUDA 11.4)");
        Api.Check(Api.StreamBeginCapture(on.Handle, CudaConstants.CaptureModeRelaxed), "begin a capture");
        on.IsCapturing = true;
    }

    public IGraph EndCapture(IStream stream)
    {
        CudaStream on = Require(stream);
        if (!on.IsCapturing)
        {
            throw DeviceErrors.NoCapture();
        }
        on.IsCapturing = false;
        nint captured;
        Api.Check(Api.StreamEndCapture(on.Handle, &captured), "end a capture");
        return new CudaGraph(this, captured);
    }

    /// <summary>
    /// Frees what is still allocated and lets go of the device; pointers, streams, events and kernels of it are invalid from then on.
    /// </summary>
    public void Dispose()
    {
        if (TryMakeCurrent())
        {
            _defaultStream.Dispose();
            _memory.FreeAll();
            _staging.Dispose();
            _kernels.Dispose();
            _context.Dispose();
        }
    }

    internal ICudaApi Api => _context.Api;

    /// <summary>Most shared memory of a block, static and dynamic, where a kernel asks for more than every device has.</summary>
    internal int MostSharedBytes => _context.Attribute(CudaConstants.DeviceAttributeMaxSharedMemoryPerBlockOptin);

    /// <summary>Makes the context current for giving something back; false once the device is disposed, which gave everything back.</summary>
    internal bool TryMakeCurrent() => _context.TryMakeCurrent();

    /// <summary>The stream as this device's own, with the context current.</summary>
    internal CudaStream Require(IStream stream)
    {
        MakeCurrent();
        return stream is CudaStream on && ReferenceEquals(on.Device, this) ? on : throw DeviceErrors.ForeignStream(Info.Id);
    }

    /// <summary>The stream as this device's own, refused while it records a graph.</summary>
    internal CudaStream Require(IStream stream, string what)
    {
        CudaStream on = Require(stream);
        return on.IsCapturing ? throw DeviceErrors.Capturing(what) : on;
    }

    /// <summary>The event as this device's own, with the context current.</summary>
    internal CudaEvent Require(IEvent recorded)
    {
        MakeCurrent();
        return recorded is CudaEvent own && ReferenceEquals(own.Device, this) && !own.IsDisposed ? own : throw DeviceErrors.ForeignEvent(Info.Id);
    }
}
