namespace CudaAttribution.Driver.Cuda;

/// <summary>Numbers of the CUDA driver API, as its C header gives them.</summary>
internal static class CudaConstants
{
    public const int DeviceAttributeMultiprocessorCount = 16;
    public const int DeviceAttributeL2CacheSize = 38;
    public const int DeviceAttributeComputeCapabilityMajor = 75;
    public const int DeviceAttributeComputeCapabilityMinor = 76;
    public const int DeviceAttributeMaxSharedMemoryPerBlockOptin = 97;

    public const int FunctionAttributeMaxThreadsPerBlock = 0;
    public const int FunctionAttributeSharedSizeBytes = 1;
    public const int FunctionAttributeLocalSizeBytes = 3;
    public const int FunctionAttributeRegisters = 4;
    public const int FunctionAttributePtxVersion = 5;
    public const int FunctionAttributeBinaryVersion = 6;
    public const int FunctionAttributeMaxDynamicSharedSizeBytes = 8;

    public const int JitInfoLogBuffer = 3;
    public const int JitInfoLogBufferSizeBytes = 4;
    public const int JitErrorLogBuffer = 5;
    public const int JitErrorLogBufferSizeBytes = 6;

    public const uint StreamNonBlocking = 1;
    public const uint HostAllocPortable = 1;

    /// <summary>Relaxed: memory may be allocated while a stream records, since nothing here is shared between threads.</summary>
    public const int CaptureModeRelaxed = 2;
}
