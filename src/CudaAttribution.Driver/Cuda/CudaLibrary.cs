using System.Runtime.InteropServices;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Driver.Cuda;

/// <summary>Finds the CUDA driver library once for the process and checks that it is new enough.</summary>
internal static unsafe class CudaLibrary
{
    public const string PathVariable = "CUDATTR_LIBCUDA";

    /// <summary>PTX ISA 7.0, in which the kernels are shipped, is known to drivers of CUDA 11.0 and later.</summary>
    private const int NeededVersion = 11000;

    private static readonly Lock Gate = new();
    private static readonly List<LibraryAttempt> Tried = [];
    private static readonly HashSet<ICudaApi> Bound = [];
    private static nint _handle;
    private static bool _looked;

    /// <summary>Each path at which the driver library was looked for.</summary>
    public static IReadOnlyList<LibraryAttempt> Attempts
    {
        get
        {
            lock (Gate)
            {
                Load();
                return [.. Tried];
            }
        }
    }

    /// <summary>
    /// Loads the library, ties the binding to it, checks version and names, and initialises the driver. Cheap once it has succeeded.
    /// </summary>
    /// <returns>The CUDA version of the driver as 1000 * major + 10 * minor.</returns>
    /// <exception cref="DeviceUnavailableException">No driver library, a driver too old, a missing function, or no device.</exception>
    public static int EnsureReady(ICudaApi api)
    {
        lock (Gate)
        {
            Load();
        }
        if (_handle == 0)
        {
            throw Unavailable(
                DeviceStatus.NotInitialized,
                "no NVIDIA driver library was found; install the NVIDIA driver or set " + PathVariable + ". Tried: " + string.Join("; ", Tried));
        }
        RequireExports(["cuInit", "cuDriverGetVersion", "cuGetErrorName", "cuGetErrorString"], "needed to talk to any driver");
        lock (Gate)
        {
            if (!Bound.Contains(api))
            {
                api.Bind(_handle, Tried[^1].Path);
                Bound.Add(api);
            }
        }
        int version = 0;
        Check(api, api.DriverGetVersion(&version), "read the driver's version");
        if (version < NeededVersion)
        {
            throw Unavailable(
                DeviceStatus.SystemDriverMismatch,
                $"the NVIDIA driver supports CUDA {VersionText(version)}; the kernels (PTX ISA 7.0) need CUDA 11.0: install driver 450.80 or later");
        }
        RequireExports(CudaImports.Required, "part of every driver since CUDA 11.0");
        Check(api, api.Init(), "initialise the driver");
        return version;
    }

    /// <exception cref="DeviceUnavailableException">The driver lacks one of the names; the message says which.</exception>
    public static void RequireExports(string[] names, string purpose)
    {
        foreach (string name in names)
        {
            if (!NativeLibrary.TryGetExport(_handle, name, out _))
            {
                throw Unavailable(
                    DeviceStatus.NotSupported,
                    $"the driver library {Tried[^1].Path} has no function {name}, which is {purpose}: install a newer NVIDIA driver");
            }
        }
    }

    public static string VersionText(int version) => $"{version / 1000}.{version % 1000 / 10}";

    private static void Load()
    {
        if (_looked)
        {
            return;
        }
        _looked = true;
        string? forced = Environment.GetEnvironmentVariable(PathVariable);
        string[] names = !string.IsNullOrEmpty(forced) ? [forced]
            : OperatingSystem.IsWindows() ? ["nvcuda.dll"]
            : ["libcuda.so.1", "libcuda.so"];
        foreach (string name in names)
        {
            _handle = NativeLibraryLocator.TryLoadPath(name, out string outcome);
            Tried.Add(new LibraryAttempt(name, outcome));
            if (_handle != 0)
            {
                break;
            }
        }
    }

    private static void Check(ICudaApi api, int result, string doing)
    {
        if (result != 0)
        {
            throw Unavailable((DeviceStatus)result, $"could not {doing}: {api.ErrorText(result)}", api.ErrorName(result));
        }
    }

    private static DeviceUnavailableException Unavailable(DeviceStatus status, string message, string? code = null) =>
        new(status, code ?? DeviceErrors.CodeName(status), message);
}
