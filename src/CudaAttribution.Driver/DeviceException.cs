namespace CudaAttribution.Driver;

/// <summary>Driver status codes the callers tell apart; numbers are the CUDA driver's.</summary>
public enum DeviceStatus
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NotInitialized = 3,
    NoDevice = 100,
    InvalidDevice = 101,
    InvalidImage = 200,
    InvalidContext = 201,
    NoBinaryForGpu = 209,
    InvalidPtx = 218,
    UnsupportedPtxVersion = 222,
    InvalidHandle = 400,
    NotFound = 500,
    NotReady = 600,
    IllegalAddress = 700,
    LaunchOutOfResources = 701,
    LaunchFailed = 719,
    NotSupported = 801,
    SystemDriverMismatch = 803,
    StreamCaptureUnsupported = 900,
    StreamCaptureInvalidated = 901,
    Unknown = 999,
}

/// <summary>A failure of the device or its driver: the driver's code and name, and a sentence that says what was being done and what to do.</summary>
public class DeviceException : Exception
{
    public DeviceException(DeviceStatus status, string code, string message)
        : base($"{message} [{code}]")
    {
        Status = status;
        Code = code;
    }

    public DeviceStatus Status { get; }

    /// <summary>The driver's name of the error, for example <c>CUDA_ERROR_OUT_OF_MEMORY</c>.</summary>
    public string Code { get; }
}

/// <summary>The device has no room for an allocation.</summary>
public sealed class DeviceOutOfMemoryException(long requested, string message)
    : DeviceException(DeviceStatus.OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", message)
{
    /// <summary>Bytes that were asked for.</summary>
    public long Requested { get; } = requested;
}

/// <summary>No such device can be opened here: driver library absent, driver too old, no GPU, or index out of range.</summary>
public sealed class DeviceUnavailableException(DeviceStatus status, string code, string message) : DeviceException(status, code, message);

/// <summary>A native library is missing or does not fit; the message lists each path that was tried.</summary>
public sealed class NativeLibraryException(string message) : Exception(message);
