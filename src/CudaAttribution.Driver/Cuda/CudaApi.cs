using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace CudaAttribution.Driver.Cuda;

/// <summary>The project's own binding: <see cref="CudaImports"/>.</summary>
internal sealed unsafe class CudaApi : ICudaApi
{
    private CudaApi()
    {
    }

    public static CudaApi Instance { get; } = new();

    public string Name => nameof(CudaDriver);

    public void Bind(nint library, string path) =>
        NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), (name, _, _) => name == CudaImports.Library ? library : 0);

    public int Init() => CudaImports.Init(0);

    public int DriverGetVersion(int* version) => CudaImports.DriverGetVersion(version);

    public int GetErrorName(int error, byte** text) => CudaImports.GetErrorName(error, text);

    public int GetErrorString(int error, byte** text) => CudaImports.GetErrorString(error, text);

    public int DeviceGetCount(int* count) => CudaImports.DeviceGetCount(count);

    public int DeviceGet(int* device, int ordinal) => CudaImports.DeviceGet(device, ordinal);

    public int DeviceGetName(byte* name, int length, int device) => CudaImports.DeviceGetName(name, length, device);

    public int DeviceGetAttribute(int* value, int attribute, int device) => CudaImports.DeviceGetAttribute(value, attribute, device);

    public int DeviceTotalMem(nuint* bytes, int device) => CudaImports.DeviceTotalMem(bytes, device);

    public int DevicePrimaryCtxRetain(nint* context, int device) => CudaImports.DevicePrimaryCtxRetain(context, device);

    public int DevicePrimaryCtxRelease(int device) => CudaImports.DevicePrimaryCtxRelease(device);

    public int CtxSetCurrent(nint context) => CudaImports.CtxSetCurrent(context);

    public int MemAlloc(nint* pointer, nuint bytes) => CudaImports.MemAlloc(pointer, bytes);

    public int MemFree(nint pointer) => CudaImports.MemFree(pointer);

    public int MemGetInfo(nuint* free, nuint* total) => CudaImports.MemGetInfo(free, total);

    public int MemHostAlloc(nint* pointer, nuint bytes, uint flags) => CudaImports.MemHostAlloc(pointer, bytes, flags);

    public int MemFreeHost(nint pointer) => CudaImports.MemFreeHost(pointer);

    public int MemcpyHtoDAsync(nint destination, void* source, nuint bytes, nint stream) =>
        CudaImports.MemcpyHtoDAsync(destination, source, bytes, stream);

    public int MemcpyDtoHAsync(void* destination, nint source, nuint bytes, nint stream) =>
        CudaImports.MemcpyDtoHAsync(destination, source, bytes, stream);

    public int MemcpyDtoDAsync(nint destination, nint source, nuint bytes, nint stream) =>
        CudaImports.MemcpyDtoDAsync(destination, source, bytes, stream);

    public int MemsetD8Async(nint destination, byte value, nuint bytes, nint stream) =>
        CudaImports.MemsetD8Async(destination, value, bytes, stream);

    public int StreamCreate(nint* stream, uint flags) => CudaImports.StreamCreate(stream, flags);

    public int StreamDestroy(nint stream) => CudaImports.StreamDestroy(stream);

    public int StreamSynchronize(nint stream) => CudaImports.StreamSynchronize(stream);

    public int EventCreate(nint* created) => CudaImports.EventCreate(created, 0);

    public int EventDestroy(nint recorded) => CudaImports.EventDestroy(recorded);

    public int EventRecord(nint recorded, nint stream) => CudaImports.EventRecord(recorded, stream);

    public int EventSynchronize(nint recorded) => CudaImports.EventSynchronize(recorded);

    public int EventElapsedTime(float* milliseconds, nint start, nint end) => CudaImports.EventElapsedTime(milliseconds, start, end);

    public int ModuleLoadDataEx(nint* module, byte[] image, byte* infoLog, byte* errorLog, int logBytes)
    {
        int* options = stackalloc int[]
        {
            CudaConstants.JitInfoLogBuffer,
            CudaConstants.JitInfoLogBufferSizeBytes,
            CudaConstants.JitErrorLogBuffer,
            CudaConstants.JitErrorLogBufferSizeBytes,
        };
        void** values = stackalloc void*[] { infoLog, (void*)logBytes, errorLog, (void*)logBytes };
        fixed (byte* text = image)
        {
            return CudaImports.ModuleLoadDataEx(module, text, 4, options, values);
        }
    }

    public int ModuleUnload(nint module) => CudaImports.ModuleUnload(module);

    public int ModuleGetFunction(nint* function, nint module, string name)
    {
        fixed (byte* utf8 = Encoding.UTF8.GetBytes(name + '\0'))
        {
            return CudaImports.ModuleGetFunction(function, module, utf8);
        }
    }

    public int FuncGetAttribute(int* value, int attribute, nint function) => CudaImports.FuncGetAttribute(value, attribute, function);

    public int FuncSetAttribute(nint function, int attribute, int value) => CudaImports.FuncSetAttribute(function, attribute, value);

    public int LaunchKernel(nint function, Grid grid, int blockSize, int sharedBytes, nint stream, void* parameters) =>
        CudaImports.LaunchKernel(
            function, (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)blockSize, 1, 1, (uint)sharedBytes, stream, &parameters, null);

    public int StreamBeginCapture(nint stream, int mode) => CudaImports.StreamBeginCapture(stream, mode);

    public int StreamEndCapture(nint stream, nint* graph) => CudaImports.StreamEndCapture(stream, graph);

    public int GraphInstantiate(nint* executable, nint graph) => CudaImports.GraphInstantiateWithFlags(executable, graph, 0);

    public int GraphDestroy(nint graph) => CudaImports.GraphDestroy(graph);

    public int GraphExecDestroy(nint executable) => CudaImports.GraphExecDestroy(executable);

    public int GraphLaunch(nint executable, nint stream) => CudaImports.GraphLaunch(executable, stream);
}
