namespace CudaAttribution.Driver.Planning;

/// <summary>
/// Stands in for a device to learn what a computation would take of it: memory is addresses without anything behind them, kernels do nothing, what is
/// copied to the host is zero. Names, block sizes and limits are those of the device it stands in for, so the allocations are too.
/// </summary>
/// <param name="device">What it stands in for; it must outlive this.</param>
/// <param name="launched">Is told each launch.</param>
public sealed class PlanningDriver(IDevice device, Action<PlannedLaunch>? launched = null) : IDevice
{
    private const int Alignment = 256;

    // Far above any pair of 32-bit parameters that is not an address, so that an address among them is known by its value.
    private static readonly nint FirstAddress = unchecked((nint)0x7e00_0000_0000_0000);

    private readonly SortedList<nint, long> _live = [];
    private nint _next = FirstAddress;
    private PlannedModule? _kernels;

    public DeviceInfo Info => device.Info;

    public IStream DefaultStream { get; } = new PlannedStream();

    public IModule Kernels => _kernels ??= new PlannedModule(this, device.Kernels);

    public long FreeMemory() => device.FreeMemory();

    public void MakeCurrent()
    {
    }

    public nint Allocate(long bytes)
    {
        AllocationTable.RequireSize(bytes, Info.Id);
        nint address = _next;
        _next = checked(_next + (nint)((bytes + Alignment - 1) / Alignment * Alignment));
        _live.Add(address, bytes);
        return address;
    }

    public void Free(nint pointer)
    {
        if (_live.Remove(pointer)) return;
        throw DeviceErrors.InvalidValue($"0x{pointer:x} is not planned memory: it was freed before, or allocated elsewhere");
    }

    public void CopyToDevice(nint destination, ReadOnlySpan<byte> source, IStream stream)
    {
    }

    public void CopyToHost(Span<byte> destination, nint source, IStream stream) => destination.Clear();

    public void CopyOnDevice(nint destination, nint source, long bytes, IStream stream)
    {
    }

    public void Fill(nint destination, byte value, long bytes, IStream stream)
    {
    }

    public IEvent CreateEvent() => throw NotPlanned("an event");

    public void BeginCapture(IStream stream) => throw NotPlanned("a graph");

    public IGraph EndCapture(IStream stream) => throw NotPlanned("a graph");

    public void Dispose() => _live.Clear();

    private static DeviceException NotPlanned(string what) =>
        DeviceErrors.Of(DeviceStatus.NotSupported, $"{what} cannot be planned: nothing runs on a planning device");

    private unsafe void Record(string kernel, Grid grid, void* parameters, int parameterBytes)
    {
        if (launched is null) return;
        HashSet<int> used = [];
        for (int i = 0; i < parameterBytes / sizeof(nint); i++)
        {
            if (AllocationOf(((nint*)parameters)[i]) is var allocation and >= 0) used.Add(allocation);
        }
        launched(new PlannedLaunch(kernel, grid, used.Sum(a => _live.GetValueAtIndex(a))));
    }

    private int AllocationOf(nint address)
    {
        int low = 0, high = _live.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_live.GetKeyAtIndex(middle) <= address) low = middle + 1;
            else high = middle;
        }
        return low > 0 && address - _live.GetKeyAtIndex(low - 1) < _live.GetValueAtIndex(low - 1) ? low - 1 : -1;
    }

    private sealed class PlannedStream : IStream
    {
        public nint Handle => 0;

        public void Synchronize()
        {
        }
    }

    private sealed class PlannedModule(PlanningDriver plan, IModule module) : IModule
    {
        public bool OneThreadPerBlock => module.OneThreadPerBlock;

        public IReadOnlyList<string> KernelNames => module.KernelNames;

        public string Hash => module.Hash;

        public string Image => module.Image;

        public IKernel GetKernel(string name) => new PlannedKernel(plan, module.GetKernel(name));

        public void Dispose()
        {
        }
    }

    private sealed class PlannedKernel(PlanningDriver plan, IKernel kernel) : IKernel
    {
        public string Name => kernel.Name;

        public int BlockSize => kernel.BlockSize;

        public int ParameterBytes => kernel.ParameterBytes;

        public KernelAttributes Attributes => kernel.Attributes;

        public unsafe void Launch(Grid grid, void* parameters, IStream stream)
        {
            if (!DeviceErrors.IsGrid(grid)) throw DeviceErrors.BadGrid(Name, grid);
            plan.Record(Name, grid, parameters, ParameterBytes);
        }
    }
}
