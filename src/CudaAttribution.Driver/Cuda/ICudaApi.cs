namespace CudaAttribution.Driver.Cuda;

/// <summary>
/// The functions of the CUDA driver API this project calls, one to one, as a binding supplies them. Everything above is written once against
/// this. Each returns the driver's CUresult; nothing throws, except <see cref="Bind"/>.
/// </summary>
internal unsafe interface ICudaApi
{
    /// <summary>The name under which the binding is shown: <see cref="DeviceInfo.Binding"/>.</summary>
    string Name { get; }

    /// <summary>Ties the binding to the driver library the process has loaded; called once, before any other function.</summary>
    /// <param name="library">The loader's handle of it.</param>
    /// <param name="path">Where it was found.</param>
    /// <exception cref="DeviceUnavailableException">The binding would talk to another library.</exception>
    void Bind(nint library, string path);

    int Init();

    int DriverGetVersion(int* version);

    int GetErrorName(int error, byte** text);

    int GetErrorString(int error, byte** text);

    int DeviceGetCount(int* count);

    int DeviceGet(int* device, int ordinal);

    int DeviceGetName(byte* name, int length, int device);

    int DeviceGetAttribute(int* value, int attribute, int device);

    int DeviceTotalMem(nuint* bytes, int device);

    int DevicePrimaryCtxRetain(nint* context, int device);

    int DevicePrimaryCtxRelease(int device);

    int CtxSetCurrent(nint context);

    int MemAlloc(nint* pointer, nuint bytes);

    int MemFree(nint pointer);

    int MemGetInfo(nuint* free, nuint* total);

    int MemHostAlloc(nint* pointer, nuint bytes, uint flags);

    int MemFreeHost(nint pointer);

    int MemcpyHtoDAsync(nint destination, void* source, nuint bytes, nint stream);

    int MemcpyDtoHAsync(void* destination, nint source, nuint bytes, nint stream);

    int MemcpyDtoDAsync(nint destination, nint source, nuint bytes, nint stream);

    int MemsetD8Async(nint destination, byte value, nuint bytes, nint stream);

    int StreamCreate(nint* stream, uint flags);

    int StreamDestroy(nint stream);

    int StreamSynchronize(nint stream);

    int EventCreate(nint* created);

    int EventDestroy(nint recorded);

    int EventRecord(nint recorded, nint stream);

    int EventSynchronize(nint recorded);

    int EventElapsedTime(float* milliseconds, nint start, nint end);

    /// <summary>Compiles and loads a module.</summary>
    /// <param name="module">The loaded module.</param>
    /// <param name="image">PTX text in UTF-8 with a zero at its end, or a cubin.</param>
    /// <param name="infoLog">Receives the compiler's notes, zero-terminated.</param>
    /// <param name="errorLog">Receives the compiler's errors, zero-terminated.</param>
    /// <param name="logBytes">Size of each of the two.</param>
    int ModuleLoadDataEx(nint* module, byte[] image, byte* infoLog, byte* errorLog, int logBytes);

    int ModuleUnload(nint module);

    int ModuleGetFunction(nint* function, nint module, string name);

    int FuncGetAttribute(int* value, int attribute, nint function);

    int FuncSetAttribute(nint function, int attribute, int value);

    /// <summary>
    /// Launches one-dimensional blocks with so much dynamic shared memory; <paramref name="parameters"/> is the kernel's one argument.
    /// </summary>
    int LaunchKernel(nint function, Grid grid, int blockSize, int sharedBytes, nint stream, void* parameters);

    int StreamBeginCapture(nint stream, int mode);

    int StreamEndCapture(nint stream, nint* graph);

    int GraphInstantiate(nint* executable, nint graph);

    int GraphDestroy(nint graph);

    int GraphExecDestroy(nint executable);

    int GraphLaunch(nint executable, nint stream);
}
