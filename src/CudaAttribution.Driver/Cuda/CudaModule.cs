using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Cuda;

/// <summary>The kernels of a PTX module, which the driver compiles when it is loaded, or of a cubin that was assembled from it.</summary>
internal sealed unsafe class CudaModule : IModule
{
    private const int LogBytes = 64 * 1024;

    private readonly CudaDevice _device;
    private readonly ICudaApi _api;
    private readonly nint _module;
    private readonly Dictionary<string, PtxEntry> _entries;
    private readonly Dictionary<string, CudaKernel> _kernels = [];
    private bool _disposed;

    /// <param name="device">Whose driver loads it.</param>
    /// <param name="ptx">PTX text, which tells the kernels' names, parameters and launch bounds.</param>
    /// <param name="image">What is loaded: that text or a cubin of it.</param>
    /// <exception cref="DeviceException">The driver refused the image; the message holds the compiler's log.</exception>
    public CudaModule(CudaDevice device, string ptx, KernelImage image)
    {
        _device = device;
        _api = device.Api;
        _entries = PtxModuleText.Entries(ptx).ToDictionary(entry => entry.Name);
        KernelNames = [.. _entries.Keys.Order(StringComparer.Ordinal)];
        Hash = image.Sha256;
        Image = image.Description;
        _module = Load(_api, image, device.Info.Id);
    }

    public IReadOnlyList<string> KernelNames { get; }

    public string Hash { get; }

    public string Image { get; }

    public IKernel GetKernel(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_kernels.TryGetValue(name, out var kernel))
        {
            if (!_entries.TryGetValue(name, out var entry))
            {
                throw DeviceErrors.Of(DeviceStatus.NotFound, $"no kernel '{name}' in the module ({KernelNames.Count} kernels)");
            }
            _device.MakeCurrent();
            nint function;
            _api.Check(_api.ModuleGetFunction(&function, _module, name), $"find kernel {name}");
            kernel = new CudaKernel(_device, function, entry);
            _kernels.Add(name, kernel);
        }
        return kernel;
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            if (_device.TryMakeCurrent())
            {
                CudaError.Discard(_api.ModuleUnload(_module));
            }
        }
    }

    private static nint Load(ICudaApi api, KernelImage image, string deviceId)
    {
        byte[] info = new byte[LogBytes];
        byte[] error = new byte[LogBytes];
        nint module;
        fixed (byte* infoLog = info, errorLog = error)
        {
            int result = api.ModuleLoadDataEx(&module, image.Bytes, infoLog, errorLog, LogBytes);
            if (result != 0)
            {
                string log = string.Join(Environment.NewLine, new[] { Text(errorLog), Text(infoLog) }.Where(part => part.Length > 0));
                string detail = log.Length > 0 ? $"{Environment.NewLine}{log}" : " (the driver left no log)";
                throw image.Remedy.Length == 0
                    ? api.Failure(result, $"compile the kernels for {deviceId}", detail)
                    : api.Failure(result, $"load {image.Description} for {deviceId}", $"{detail}{Environment.NewLine}{image.Remedy}");
            }
        }
        return module;
    }

    private static string Text(byte* log) => Marshal.PtrToStringUTF8((nint)log)!.Trim();
}

/// <summary>A kernel of a PTX module.</summary>
internal sealed unsafe class CudaKernel : IKernel
{
    private readonly CudaDevice _device;
    private readonly ICudaApi _api;
    private const int SharedBytesOfEveryDevice = 48 * 1024;

    private readonly nint _function;
    private readonly int _dynamicSharedBytes;

    public CudaKernel(CudaDevice device, nint function, PtxEntry entry)
    {
        _device = device;
        _api = device.Api;
        _function = function;
        Name = entry.Name;
        ParameterBytes = entry.ParameterBytes;
        BlockSize = entry.MaxThreads > 0 ? entry.MaxThreads : throw DeviceErrors.Of(
            DeviceStatus.InvalidPtx, $"kernel {Name} has no launch bound (.maxntid) in its PTX, so its block size is not known: declare it with KERNEL");
        int most = Read(CudaConstants.FunctionAttributeMaxThreadsPerBlock);
        if (most < BlockSize)
        {
            throw DeviceErrors.Of(
                DeviceStatus.LaunchOutOfResources,
                $"kernel {Name} is written for blocks of {BlockSize} threads, but as compiled for {device.Info.Id} it takes at most {most}: "
                + "install another NVIDIA driver or use another device");
        }
        Attributes = new KernelAttributes(
            Read(CudaConstants.FunctionAttributeRegisters),
            Read(CudaConstants.FunctionAttributeSharedSizeBytes),
            Read(CudaConstants.FunctionAttributeLocalSizeBytes),
            Read(CudaConstants.FunctionAttributePtxVersion),
            Read(CudaConstants.FunctionAttributeBinaryVersion));
        _dynamicSharedBytes = entry.DynamicSharedBytes;
        if (_dynamicSharedBytes + Attributes.SharedBytes > SharedBytesOfEveryDevice) AskForSharedMemory();
    }

    public string Name { get; }

    /// <summary>The launch bound that the PTX declares: kernels whose threads own fixed parts of a tile are wrong with any other number.</summary>
    public int BlockSize { get; }

    public int ParameterBytes { get; }

    public KernelAttributes Attributes { get; }

    public void Launch(Grid grid, void* parameters, IStream stream)
    {
        CudaStream on = _device.Require(stream);
        if (!DeviceErrors.IsGrid(grid))
        {
            throw DeviceErrors.BadGrid(Name, grid);
        }
        int result = _api.LaunchKernel(_function, grid, BlockSize, _dynamicSharedBytes, on.Handle, parameters);
        if (result != 0)
        {
            throw _api.Failure(result, $"launch {Name} over {grid} blocks of {BlockSize} threads");
        }
    }

    /// <summary>A kernel gets more than 48 KB only where its function is given leave.</summary>
    private void AskForSharedMemory()
    {
        int result = _api.FuncSetAttribute(_function, CudaConstants.FunctionAttributeMaxDynamicSharedSizeBytes, _dynamicSharedBytes);
        if (result != 0)
        {
            throw _api.Failure(
                result,
                $"give kernel {Name} the {_dynamicSharedBytes} bytes of dynamic shared memory it needs beside {Attributes.SharedBytes} static ones",
                $"; a block on {_device.Info.Id} has at most {_device.MostSharedBytes}: use another device");
        }
    }

    private int Read(int attribute)
    {
        int value;
        _api.Check(_api.FuncGetAttribute(&value, attribute, _function), $"read attribute {attribute} of kernel {Name}");
        return value;
    }
}
