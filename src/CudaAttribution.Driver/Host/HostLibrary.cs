using System.Runtime.InteropServices;
using System.Text;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Driver.Host;

/// <summary>
/// One native kernel library (<c>native/include/cuattr.h</c>). Several are loaded side by side in one process, so the functions are a table of
/// pointers taken from the handle; <c>[LibraryImport]</c> binds one library for each declaration.
/// </summary>
internal sealed unsafe class HostLibrary
{
    public const int AbiVersion = 2;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, HostLibrary> Loaded = [];

    private readonly delegate* unmanaged[Cdecl]<byte*> _lastError;
    private readonly delegate* unmanaged[Cdecl]<nint*, byte*, int> _getFunction;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int*, int*, int> _functionInfo;
    private readonly delegate* unmanaged[Cdecl]<int, byte*> _kernelName;
    private readonly delegate* unmanaged[Cdecl]<nint, uint, uint, uint, uint, uint, void*, int> _launchKernel;
    private readonly delegate* unmanaged[Cdecl]<int, int> _setThreads;
    private readonly delegate* unmanaged[Cdecl]<int> _threads;
    private readonly delegate* unmanaged[Cdecl]<byte*, int, int> _option;

    private HostLibrary(nint handle, string path)
    {
        Path = path;
        var abiVersion = (delegate* unmanaged[Cdecl]<int>)Export(handle, path, "cuattr_abi_version");
        int found = abiVersion();
        if (found != AbiVersion)
        {
            throw new NativeLibraryException($"{path} has ABI version {found}, this program needs {AbiVersion}: both must come from one build");
        }
        _lastError = (delegate* unmanaged[Cdecl]<byte*>)Export(handle, path, "cuattr_last_error");
        _getFunction = (delegate* unmanaged[Cdecl]<nint*, byte*, int>)Export(handle, path, "cuattr_get_function");
        _functionInfo = (delegate* unmanaged[Cdecl]<nint, int*, int*, int*, int>)Export(handle, path, "cuattr_function_info");
        _kernelName = (delegate* unmanaged[Cdecl]<int, byte*>)Export(handle, path, "cuattr_kernel_name");
        _launchKernel = (delegate* unmanaged[Cdecl]<nint, uint, uint, uint, uint, uint, void*, int>)Export(handle, path, "cuattr_launch_kernel");
        _setThreads = (delegate* unmanaged[Cdecl]<int, int>)Export(handle, path, "cuattr_set_threads");
        _threads = (delegate* unmanaged[Cdecl]<int>)Export(handle, path, "cuattr_threads");
        _option = (delegate* unmanaged[Cdecl]<byte*, int, int>)Export(handle, path, "cuattr_option");
    }

    public string Path { get; }

    /// <summary>Worker threads of the library; one number for the process, since the library is loaded once. Set 0 for one per processor.</summary>
    public int Threads
    {
        get => _threads();
        set => Check(_setThreads(value), $"set {value} threads");
    }

    /// <summary>Loads a library, once per file.</summary>
    /// <exception cref="NativeLibraryException">Not found, not loadable, or of another ABI version.</exception>
    public static HostLibrary Open(string fileName)
    {
        (nint handle, string path) = NativeLibraryLocator.Load(fileName);
        lock (Gate)
        {
            if (!Loaded.TryGetValue(path, out var library))
            {
                library = new HostLibrary(handle, path);
                Loaded.Add(path, library);
            }
            return library;
        }
    }

    public void SetOption(string name, int value)
    {
        fixed (byte* utf8 = ZeroTerminated(name))
        {
            Check(_option(utf8, value), $"set option {name} to {value}");
        }
    }

    public List<string> KernelNames()
    {
        var names = new List<string>();
        for (byte* name = _kernelName(0); name != null; name = _kernelName(names.Count))
        {
            names.Add(Marshal.PtrToStringUTF8((nint)name)!);
        }
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>The kernel's handle, or 0 where the library has none of that name.</summary>
    public nint FindFunction(string name)
    {
        nint function = 0;
        fixed (byte* utf8 = ZeroTerminated(name))
        {
            int status = _getFunction(&function, utf8);
            if (status == (int)DeviceStatus.NotFound)
            {
                return 0;
            }
            Check(status, $"find kernel {name}");
        }
        return function;
    }

    /// <summary>The kernel's launch bound, the size of its parameter structure and the dynamic shared memory of a block.</summary>
    public (int MaxThreads, int ParameterBytes, int DynamicSharedBytes) FunctionInfo(nint function, string name)
    {
        int block, bytes, shared;
        Check(_functionInfo(function, &block, &bytes, &shared), $"read the attributes of kernel {name}");
        return (block, bytes, shared);
    }

    /// <summary>Runs the kernel to its end. Returns the status, so that the caller words the failure.</summary>
    public int Launch(nint function, Grid grid, int block, int sharedBytes, void* parameters) =>
        _launchKernel(function, (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)block, (uint)sharedBytes, parameters);

    public string LastError() => Marshal.PtrToStringUTF8((nint)_lastError()) ?? "";

    private static byte[] ZeroTerminated(string text) => Encoding.UTF8.GetBytes(text + '\0');

    private static nint Export(nint handle, string path, string name) =>
        NativeLibrary.TryGetExport(handle, name, out nint address)
            ? address
            : throw new NativeLibraryException($"{path} does not export {name}: it is not a library of this build");

    private void Check(int status, string doing)
    {
        if (status != 0)
        {
            throw DeviceErrors.Of((DeviceStatus)status, $"{System.IO.Path.GetFileName(Path)} could not {doing}: {LastError()}");
        }
    }
}
