using System.Security.Cryptography;

namespace CudaAttribution.Driver.Host;

/// <summary>The kernels of a native kernel library.</summary>
internal sealed class HostModule(HostDriver device, HostLibrary library) : IModule
{
    private readonly Dictionary<string, HostKernel> _kernels = [];
    private readonly Lazy<string> _hash = new(() =>
    {
        using var file = File.OpenRead(library.Path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    });

    public IReadOnlyList<string> KernelNames { get; } = library.KernelNames();

    public string Hash => _hash.Value;

    public string Image { get; } = Path.GetFileName(library.Path);

    public IKernel GetKernel(string name)
    {
        if (!_kernels.TryGetValue(name, out var kernel))
        {
            nint function = library.FindFunction(name);
            if (function == 0)
            {
                throw DeviceErrors.Of(DeviceStatus.NotFound, $"no kernel '{name}' in {library.Path} ({KernelNames.Count} kernels)");
            }
            kernel = new HostKernel(device, library, function, name);
            _kernels.Add(name, kernel);
        }
        return kernel;
    }

    /// <summary>The library belongs to the process and stays loaded.</summary>
    public void Dispose()
    {
    }
}

/// <summary>A kernel of a native kernel library.</summary>
internal sealed unsafe class HostKernel : IKernel
{
    private readonly HostDriver _device;
    private readonly HostLibrary _library;
    private readonly nint _function;
    private readonly int _dynamicSharedBytes;

    public HostKernel(HostDriver device, HostLibrary library, nint function, string name)
    {
        _device = device;
        _library = library;
        _function = function;
        Name = name;
        (int maxThreads, ParameterBytes, _dynamicSharedBytes) = library.FunctionInfo(function, name);
        BlockSize = device.OneThreadPerBlock ? 1 : maxThreads;
    }

    public string Name { get; }

    public int BlockSize { get; }

    public int ParameterBytes { get; }

    public KernelAttributes Attributes { get; } = new(-1, -1, -1, -1, -1);

    public void Launch(Grid grid, void* parameters, IStream stream)
    {
        HostStream host = _device.Require(stream);
        if (!DeviceErrors.IsGrid(grid))
        {
            throw DeviceErrors.BadGrid(Name, grid);
        }
        if (host.Recording is { } recording)
        {
            recording.Add(new HostLaunchWork(this, grid, new ReadOnlySpan<byte>(parameters, ParameterBytes)));
        }
        else
        {
            Run(grid, parameters);
        }
    }

    public void Run(Grid grid, void* parameters)
    {
        int status = _library.Launch(_function, grid, BlockSize, _dynamicSharedBytes, parameters);
        if (status != 0)
        {
            throw DeviceErrors.Of((DeviceStatus)status, $"launch of {Name} over {grid} blocks of {BlockSize} threads failed: {_library.LastError()}");
        }
    }
}
