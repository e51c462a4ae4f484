using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace CudaAttribution.Driver;

/// <summary>A PTX module, compiled by the driver for its device when it is loaded.</summary>
internal sealed unsafe class CudaModule : IModule
{
    private const int LogBytes = 64 * 1024;

    private readonly CudaDriver _device;
    private readonly nint _module;
    private readonly Dictionary<string, PtxEntry> _entries;
    private readonly Dictionary<string, CudaKernel> _kernels = [];
    private bool _disposed;

    /// <exception cref="DeviceException">The driver refused the PTX; the message holds the compiler's log.</exception>
    public CudaModule(CudaDriver device, string ptx)
    {
        _device = device;
        _entries = PtxModuleText.Entries(ptx).ToDictionary(entry => entry.Name);
        KernelNames = [.. _entries.Keys.Order(StringComparer.Ordinal)];
        byte[] image = Encoding.UTF8.GetBytes(ptx + '\0');
        Hash = Convert.ToHexStringLower(SHA256.HashData(image.AsSpan(0, image.Length - 1)));
        _module = Load(image, device.Info.Id);
    }

    public IReadOnlyList<string> KernelNames { get; }

    public string Hash { get; }

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
            fixed (byte* utf8 = Encoding.UTF8.GetBytes(name + '\0'))
            {
                CudaError.Check(CudaApi.ModuleGetFunction(&function, _module, utf8), $"find kernel {name}");
            }
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
                CudaError.Discard(CudaApi.ModuleUnload(_module));
            }
        }
    }

    private static nint Load(byte[] image, string deviceId)
    {
        int* options = stackalloc int[]
        {
            CudaApi.JitInfoLogBuffer, CudaApi.JitInfoLogBufferSizeBytes, CudaApi.JitErrorLogBuffer, CudaApi.JitErrorLogBufferSizeBytes,
        };
        void** values = stackalloc void*[4];
        byte[] info = new byte[LogBytes];
        byte[] error = new byte[LogBytes];
        nint module;
        fixed (byte* text = image, infoLog = info, errorLog = error)
        {
            values[0] = infoLog;
            values[1] = (void*)LogBytes;
            values[2] = errorLog;
            values[3] = (void*)LogBytes;
            int result = CudaApi.ModuleLoadDataEx(&module, text, 4, options, values);
            if (result != 0)
            {
                string log = string.Join(Environment.NewLine, new[] { Text(errorLog), Text(infoLog) }.Where(part => part.Length > 0));
                string detail = log.Length > 0 ? $"{Environment.NewLine}{log}" : " (the driver left no log)";
                throw CudaError.Make(result, $"compile the kernels for {deviceId}", detail);
            }
        }
        return module;
    }

    private static string Text(byte* log) => Marshal.PtrToStringUTF8((nint)log)!.Trim();
}

/// <summary>A kernel of a PTX module.</summary>
internal sealed unsafe class CudaKernel : IKernel
{
    private readonly CudaDriver _device;
    private readonly nint _function;

    public CudaKernel(CudaDriver device, nint function, PtxEntry entry)
    {
        _device = device;
        _function = function;
        Name = entry.Name;
        ParameterBytes = entry.ParameterBytes;
        BlockSize = Read(CudaApi.FunctionAttributeMaxThreadsPerBlock);
        Attributes = new KernelAttributes(
            Read(CudaApi.FunctionAttributeRegisters),
            Read(CudaApi.FunctionAttributeSharedSizeBytes),
            Read(CudaApi.FunctionAttributeLocalSizeBytes),
            Read(CudaApi.FunctionAttributePtxVersion),
            Read(CudaApi.FunctionAttributeBinaryVersion));
    }

    public string Name { get; }

    /// <summary>The launch bound: the driver compiled the kernel so that this many threads fit.</summary>
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
        int result = CudaApi.LaunchKernel(
            _function, (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)BlockSize, 1, 1, 0, on.Handle, &parameters, null);
        if (result != 0)
        {
            throw CudaError.Make(result, $"launch {Name} over {grid} blocks of {BlockSize} threads");
        }
    }

    private int Read(int attribute)
    {
        int value;
        CudaError.Check(CudaApi.FuncGetAttribute(&value, attribute, _function), $"read attribute {attribute} of kernel {Name}");
        return value;
    }
}
