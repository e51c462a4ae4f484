using System.Runtime.InteropServices;
using CudaAttribution.Driver.Cuda;
using CudaAttribution.Driver.Host;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Driver.Probe;

/// <summary>Finds out what this machine offers, without opening a GPU.</summary>
public static unsafe class DeviceProbe
{
    private const int DescriptionCapacity = 512;

    // File, function that returns the ABI version, function that describes the library.
    private static readonly (string File, string Abi, string Describe)[] OwnLibraries =
    [
        (HostDriver.CpuLibraryFile("avx2"), "cuattr_abi_version", "cuattr_device_name"),
        (HostDriver.CpuLibraryFile("avx512"), "cuattr_abi_version", "cuattr_device_name"),
        (HostDriver.SimtLibraryFile, "cuattr_abi_version", "cuattr_device_name"),
        ("libcuattr_dnnl.so", "cuattr_dnnl_abi_version", "cuattr_dnnl_describe"),
    ];

    public static DeviceReport Run() => new(
        new HostReport(HostProcessor.ModelName(), HostProcessor.InstructionSets(), Environment.ProcessorCount, HostProcessor.MemoryBytes()),
        [ProbeHost(HostDriver.CpuId), ProbeHost(HostDriver.SimtId), .. ProbeCuda()],
        [.. OwnLibraries.Select(library => ProbeLibrary(library.File, library.Abi, library.Describe))],
        [VendorLibraries.FindCublas(), VendorLibraries.FindCudnn()],
        Devices.ChooseAuto());

    private static ProbedDevice ProbeHost(string id)
    {
        try
        {
            using IDevice device = Devices.Open(id);
            return new ProbedDevice(id, device.Info, device.Kernels.Image, null, []);
        }
        catch (Exception e) when (e is DeviceException or NativeLibraryException)
        {
            return new ProbedDevice(id, null, null, e.Message, []);
        }
    }

    private static List<ProbedDevice> ProbeCuda()
    {
        IReadOnlyList<LibraryAttempt> tried = CudaLibrary.Attempts;
        int count;
        try
        {
            count = CudaDevices.Count(Devices.Cuda);
        }
        catch (DeviceException e)
        {
            return [new ProbedDevice("cuda", null, null, e.Message, tried)];
        }
        var devices = new List<ProbedDevice>();
        for (int ordinal = 0; ordinal < count; ordinal++)
        {
            try
            {
                DeviceInfo info = CudaDevices.Describe(Devices.Cuda, ordinal).Info;
                var image = KernelImage.Choose(CudaDevice.EmbeddedPtx(), NativeLibraryLocator.Folder, info.InstructionSet);
                devices.Add(new ProbedDevice(info.Id, info, image.Description, null, tried));
            }
            catch (Exception e) when (e is DeviceException or NativeLibraryException)
            {
                devices.Add(new ProbedDevice($"cuda:{ordinal}", null, null, e.Message, tried));
            }
        }
        return devices;
    }

    private static ProbedLibrary ProbeLibrary(string file, string abiFunction, string describeFunction)
    {
        nint handle = NativeLibraryLocator.TryLoad(file, out var tried);
        if (handle == 0)
        {
            return new ProbedLibrary(file, null, null, null, tried);
        }
        int? abi = NativeLibrary.TryGetExport(handle, abiFunction, out nint abiAddress) ? ((delegate* unmanaged[Cdecl]<int>)abiAddress)() : null;
        string? description = null;
        if (NativeLibrary.TryGetExport(handle, describeFunction, out nint describeAddress))
        {
            byte* buffer = stackalloc byte[DescriptionCapacity];
            if (((delegate* unmanaged[Cdecl]<byte*, int, int>)describeAddress)(buffer, DescriptionCapacity) == 0)
            {
                description = Marshal.PtrToStringUTF8((nint)buffer);
            }
        }
        return new ProbedLibrary(file, tried[^1].Path, abi, description, tried);
    }
}
