using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Cuda;

/// <summary>What the driver tells of its devices without creating a context on them.</summary>
internal static unsafe class CudaDevices
{
    private const int MinimumCapability = 80;

    /// <summary>Number of devices the driver shows to this process.</summary>
    /// <exception cref="DeviceUnavailableException">No driver, a driver too old, or no device at all.</exception>
    public static int Count(ICudaApi api)
    {
        CudaLibrary.EnsureReady(api);
        int count;
        api.Check(api.DeviceGetCount(&count), "count the devices");
        return count > 0
            ? count
            : throw Unavailable(DeviceStatus.NoDevice, "the driver shows no device to this process; see nvidia-smi and CUDA_VISIBLE_DEVICES");
    }

    /// <summary>Identity and size of a device, and the driver's handle of it.</summary>
    /// <exception cref="DeviceUnavailableException">No such device, or one too old for the kernels.</exception>
    public static (int Device, DeviceInfo Info) Describe(ICudaApi api, int ordinal)
    {
        int version = CudaLibrary.EnsureReady(api);
        int count = Count(api);
        string id = $"cuda:{ordinal}";
        if (ordinal < 0 || ordinal >= count)
        {
            throw Unavailable(DeviceStatus.InvalidDevice, $"there is no {id}: the driver shows {count} device(s), cuda:0 to cuda:{count - 1}");
        }
        int device;
        api.Check(api.DeviceGet(&device, ordinal), $"find {id}");
        const int NameCapacity = 256;
        byte* name = stackalloc byte[NameCapacity];
        api.Check(api.DeviceGetName(name, NameCapacity, device), $"read the name of {id}");
        string product = Marshal.PtrToStringUTF8((nint)name)!;
        int capability = 10 * Attribute(api, CudaConstants.DeviceAttributeComputeCapabilityMajor, device, id)
            + Attribute(api, CudaConstants.DeviceAttributeComputeCapabilityMinor, device, id);
        if (capability < MinimumCapability)
        {
            throw Unavailable(
                DeviceStatus.NoBinaryForGpu,
                $"{id} ({product}) has compute capability {capability / 10}.{capability % 10}; "
                + $"the kernels need {MinimumCapability / 10}.0 (Ampere) or later");
        }
        nuint memory;
        api.Check(api.DeviceTotalMem(&memory, device), $"read the memory of {id}");
        int multiprocessors = Attribute(api, CudaConstants.DeviceAttributeMultiprocessorCount, device, id);
        var info = new DeviceInfo(
            id, product, api.Name, $"sm_{capability}", $"CUDA {CudaLibrary.VersionText(version)}", (long)memory, multiprocessors)
        {
            CacheBytes = Attribute(api, CudaConstants.DeviceAttributeL2CacheSize, device, id),
        };
        return (device, info);
    }

    private static int Attribute(ICudaApi api, int attribute, int device, string id)
    {
        int value;
        api.Check(api.DeviceGetAttribute(&value, attribute, device), $"read attribute {attribute} of {id}");
        return value;
    }

    private static DeviceUnavailableException Unavailable(DeviceStatus status, string message) => new(status, DeviceErrors.CodeName(status), message);
}
