using CudaAttribution.Driver.Cuda;
using ManagedCuda.BasicTypes;
using Native = ManagedCuda.DriverAPINativeMethods;

namespace CudaAttribution.Driver.ManagedCuda;

/// <summary>The binding of the package ManagedCuda-12: its one-to-one declarations of the driver API.</summary>
/// <remarks>
/// ManagedCuda's classes of contexts, kernels and streams are left aside: their launches box the arguments, they report errors as exceptions
/// without the call's purpose, and they give things back in finalizers.
/// </remarks>
internal sealed unsafe class ManagedCudaApi : ICudaApi
{
    /// <summary>The name in ManagedCuda's imports, and the one it asks the loader for on Linux.</summary>
    private const string ImportName = "nvcuda";
    private const string LinuxName = "libcuda";

    // One launch at a time on a thread; the array lives on, so that a launch allocates nothing.
    [ThreadStatic]
    private static nint[]? _argument;

    private ManagedCudaApi()
    {
    }

    public static ManagedCudaApi Instance { get; } = new();

    public string Name => nameof(ManagedCudaDriver);

    public void Bind(nint library, string path)
    {
        if (!ManagedCudaImports.TryBind(library, typeof(Native).Assembly, ImportName, LinuxName, out string asked))
        {
            throw new DeviceUnavailableException(
                DeviceStatus.SystemDriverMismatch,
                DeviceErrors.CodeName(DeviceStatus.SystemDriverMismatch),
                $"ManagedCuda takes the driver library that the loader finds as {asked}, which is not {path}: unset {CudaLibrary.PathVariable}, "
                + "or let the loader find that one first (on Linux as libcuda.so in a folder of LD_LIBRARY_PATH)");
        }
    }

    public int Init() => (int)Native.cuInit(CUInitializationFlags.None);

    public int DriverGetVersion(int* version) => (int)Native.cuDriverGetVersion(ref *version);

    public int GetErrorName(int error, byte** text) => (int)Native.ErrorHandling.cuGetErrorName((CUResult)error, ref *(nint*)text);

    public int GetErrorString(int error, byte** text) => (int)Native.ErrorHandling.cuGetErrorString((CUResult)error, ref *(nint*)text);

    public int DeviceGetCount(int* count) => (int)Native.DeviceManagement.cuDeviceGetCount(ref *count);

    public int DeviceGet(int* device, int ordinal) => (int)Native.DeviceManagement.cuDeviceGet(ref *(CUdevice*)device, ordinal);

    public int DeviceGetName(byte* name, int length, int device)
    {
        byte[] buffer = new byte[length];
        int result = (int)Native.DeviceManagement.cuDeviceGetName(buffer, length, Device(device));
        buffer.CopyTo(new Span<byte>(name, length));
        return result;
    }

    public int DeviceGetAttribute(int* value, int attribute, int device) =>
        (int)Native.DeviceManagement.cuDeviceGetAttribute(ref *value, (CUDeviceAttribute)attribute, Device(device));

    public int DeviceTotalMem(nuint* bytes, int device) => (int)Native.DeviceManagement.cuDeviceTotalMem_v2(ref *(SizeT*)bytes, Device(device));

    public int DevicePrimaryCtxRetain(nint* context, int device) =>
        (int)Native.ContextManagement.cuDevicePrimaryCtxRetain(ref *(CUcontext*)context, Device(device));

    public int DevicePrimaryCtxRelease(int device) => (int)Native.ContextManagement.cuDevicePrimaryCtxRelease(Device(device));

    public int CtxSetCurrent(nint context) => (int)Native.ContextManagement.cuCtxSetCurrent(new CUcontext { Pointer = context });

    public int MemAlloc(nint* pointer, nuint bytes) => (int)Native.MemoryManagement.cuMemAlloc_v2(ref *(CUdeviceptr*)pointer, Size(bytes));

    public int MemFree(nint pointer) => (int)Native.MemoryManagement.cuMemFree_v2(Address(pointer));

    public int MemGetInfo(nuint* free, nuint* total) => (int)Native.MemoryManagement.cuMemGetInfo_v2(ref *(SizeT*)free, ref *(SizeT*)total);

    public int MemHostAlloc(nint* pointer, nuint bytes, uint flags) =>
        (int)Native.MemoryManagement.cuMemHostAlloc(ref *pointer, Size(bytes), (CUMemHostAllocFlags)flags);

    public int MemFreeHost(nint pointer) => (int)Native.MemoryManagement.cuMemFreeHost(pointer);

    public int MemcpyHtoDAsync(nint destination, void* source, nuint bytes, nint stream) =>
        (int)Native.AsynchronousMemcpy_v2.cuMemcpyHtoDAsync_v2(Address(destination), (nint)source, Size(bytes), Stream(stream));

    public int MemcpyDtoHAsync(void* destination, nint source, nuint bytes, nint stream) =>
        (int)Native.AsynchronousMemcpy_v2.cuMemcpyDtoHAsync_v2((nint)destination, Address(source), Size(bytes), Stream(stream));

    public int MemcpyDtoDAsync(nint destination, nint source, nuint bytes, nint stream) =>
        (int)Native.AsynchronousMemcpy_v2.cuMemcpyDtoDAsync_v2(Address(destination), Address(source), Size(bytes), Stream(stream));

    public int MemsetD8Async(nint destination, byte value, nuint bytes, nint stream) =>
        (int)Native.MemsetAsync.cuMemsetD8Async(Address(destination), value, Size(bytes), Stream(stream));

    public int StreamCreate(nint* stream, uint flags) => (int)Native.Streams.cuStreamCreate(ref *(CUstream*)stream, (CUStreamFlags)flags);

    public int StreamDestroy(nint stream) => (int)Native.Streams.cuStreamDestroy_v2(Stream(stream));

    public int StreamSynchronize(nint stream) => (int)Native.Streams.cuStreamSynchronize(Stream(stream));

    public int EventCreate(nint* created) => (int)Native.Events.cuEventCreate(ref *(CUevent*)created, CUEventFlags.Default);

    public int EventDestroy(nint recorded) => (int)Native.Events.cuEventDestroy_v2(Event(recorded));

    public int EventRecord(nint recorded, nint stream) => (int)Native.Events.cuEventRecord(Event(recorded), Stream(stream));

    public int EventSynchronize(nint recorded) => (int)Native.Events.cuEventSynchronize(Event(recorded));

    public int EventElapsedTime(float* milliseconds, nint start, nint end) =>
        (int)Native.Events.cuEventElapsedTime(ref *milliseconds, Event(start), Event(end));

    public int ModuleLoadDataEx(nint* module, byte[] image, byte* infoLog, byte* errorLog, int logBytes)
    {
        CUJITOption[] options =
        [
            CUJITOption.InfoLogBuffer, CUJITOption.InfoLogBufferSizeBytes, CUJITOption.ErrorLogBuffer, CUJITOption.ErrorLogBufferSizeBytes,
        ];
        nint[] values = [(nint)infoLog, logBytes, (nint)errorLog, logBytes];
        return (int)Native.ModuleManagement.cuModuleLoadDataEx(ref *(CUmodule*)module, image, (uint)options.Length, options, values);
    }

    public int ModuleUnload(nint module) => (int)Native.ModuleManagement.cuModuleUnload(Module(module));

    public int ModuleGetFunction(nint* function, nint module, string name) =>
        (int)Native.ModuleManagement.cuModuleGetFunction(ref *(CUfunction*)function, Module(module), name);

    public int FuncGetAttribute(int* value, int attribute, nint function) =>
        (int)Native.FunctionManagement.cuFuncGetAttribute(ref *value, (CUFunctionAttribute)attribute, Function(function));

    public int FuncSetAttribute(nint function, int attribute, int value) =>
        (int)Native.FunctionManagement.cuFuncSetAttribute(Function(function), (CUFunctionAttribute)attribute, value);

    public int LaunchKernel(nint function, Grid grid, int blockSize, int sharedBytes, nint stream, void* parameters)
    {
        nint[] argument = _argument ??= new nint[1];
        argument[0] = (nint)parameters;
        return (int)Native.Launch.cuLaunchKernel(
            Function(function), (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)blockSize, 1, 1, (uint)sharedBytes, Stream(stream), argument, null);
    }

    public int StreamBeginCapture(nint stream, int mode) => (int)Native.Streams.cuStreamBeginCapture(Stream(stream), (CUstreamCaptureMode)mode);

    public int StreamEndCapture(nint stream, nint* graph) => (int)Native.Streams.cuStreamEndCapture(Stream(stream), ref *(CUgraph*)graph);

    public int GraphInstantiate(nint* executable, nint graph) =>
        (int)Native.GraphManagment.cuGraphInstantiate(ref *(CUgraphExec*)executable, Graph(graph), CUgraphInstantiate_flags.None);

    public int GraphDestroy(nint graph) => (int)Native.GraphManagment.cuGraphDestroy(Graph(graph));

    public int GraphExecDestroy(nint executable) => (int)Native.GraphManagment.cuGraphExecDestroy(Executable(executable));

    public int GraphLaunch(nint executable, nint stream) => (int)Native.GraphManagment.cuGraphLaunch(Executable(executable), Stream(stream));

    private static CUdevice Device(int handle) => new() { Pointer = handle };

    private static CUdeviceptr Address(nint address) => new(Size((nuint)address));

    private static SizeT Size(nuint bytes) => new(bytes);

    private static CUstream Stream(nint handle) => new() { Pointer = handle };

    private static CUevent Event(nint handle) => new() { Pointer = handle };

    private static CUmodule Module(nint handle) => new() { Pointer = handle };

    private static CUfunction Function(nint handle) => new() { Pointer = handle };

    private static CUgraph Graph(nint handle) => new() { Pointer = handle };

    private static CUgraphExec Executable(nint handle) => new() { Pointer = handle };
}
