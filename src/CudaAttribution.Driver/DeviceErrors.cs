namespace CudaAttribution.Driver;

/// <summary>Makes the exceptions that do not come out of a driver call, under the names the CUDA driver would use.</summary>
internal static class DeviceErrors
{
    public static DeviceException InvalidValue(string message) => Of(DeviceStatus.InvalidValue, message);

    public static DeviceException Of(DeviceStatus status, string message) => new(status, CodeName(status), message);

    public static DeviceException Capturing(string what) =>
        Of(DeviceStatus.StreamCaptureUnsupported, $"{what} cannot be recorded into a graph: end the capture first");

    public static DeviceException ForeignStream(string deviceId) =>
        Of(DeviceStatus.InvalidHandle, $"the stream belongs to another device than {deviceId}");

    public static DeviceException ForeignEvent(string deviceId) =>
        Of(DeviceStatus.InvalidHandle, $"the event is disposed or belongs to another device than {deviceId}");

    public static DeviceException EventNotRecorded() => Of(DeviceStatus.InvalidHandle, "the event was never recorded in a stream");

    public static DeviceException NoCapture() => Of(DeviceStatus.StreamCaptureInvalidated, "no capture was begun on this stream");

    public static DeviceException BadGrid(string kernel, Grid grid) =>
        InvalidValue($"launch of {kernel} over {grid} blocks: the grid must be at least (1, 1, 1) and at most (2147483647, 65535, 65535)");

    /// <summary>The limits of a CUDA grid, kept on every device so that what runs on one runs on all.</summary>
    public static bool IsGrid(Grid grid) => grid.X >= 1 && grid.Y is >= 1 and <= 65535 && grid.Z is >= 1 and <= 65535;

    /// <summary>The CUDA driver's name of a status.</summary>
    public static string CodeName(DeviceStatus status) => status switch
    {
        DeviceStatus.Success => "CUDA_SUCCESS",
        DeviceStatus.InvalidValue => "CUDA_ERROR_INVALID_VALUE",
        DeviceStatus.OutOfMemory => "CUDA_ERROR_OUT_OF_MEMORY",
        DeviceStatus.NotInitialized => "CUDA_ERROR_NOT_INITIALIZED",
        DeviceStatus.NoDevice => "CUDA_ERROR_NO_DEVICE",
        DeviceStatus.InvalidDevice => "CUDA_ERROR_INVALID_DEVICE",
        DeviceStatus.InvalidImage => "CUDA_ERROR_INVALID_IMAGE",
        DeviceStatus.InvalidContext => "CUDA_ERROR_INVALID_CONTEXT",
        DeviceStatus.NoBinaryForGpu => "CUDA_ERROR_NO_BINARY_FOR_GPU",
        DeviceStatus.InvalidPtx => "CUDA_ERROR_INVALID_PTX",
        DeviceStatus.UnsupportedPtxVersion => "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
        DeviceStatus.InvalidHandle => "CUDA_ERROR_INVALID_HANDLE",
        DeviceStatus.NotFound => "CUDA_ERROR_NOT_FOUND",
        DeviceStatus.NotReady => "CUDA_ERROR_NOT_READY",
        DeviceStatus.IllegalAddress => "CUDA_ERROR_ILLEGAL_ADDRESS",
        DeviceStatus.LaunchOutOfResources => "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
        DeviceStatus.LaunchFailed => "CUDA_ERROR_LAUNCH_FAILED",
        DeviceStatus.NotSupported => "CUDA_ERROR_NOT_SUPPORTED",
        DeviceStatus.SystemDriverMismatch => "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
        DeviceStatus.StreamCaptureUnsupported => "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
        DeviceStatus.StreamCaptureInvalidated => "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
        _ => $"CUDA_ERROR_{(int)status}",
    };
}
