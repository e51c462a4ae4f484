using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Cuda;

/// <summary>The one place where a CUresult becomes an exception.</summary>
internal static unsafe class CudaError
{
    /// <summary>Throws unless the call succeeded. <paramref name="doing"/> completes "could not ...".</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(this ICudaApi api, int result, string doing)
    {
        if (result != 0)
        {
            throw api.Failure(result, doing);
        }
    }

    /// <summary>
    /// For giving things back: the error is dropped, because after a failed kernel every call fails, and
    /// an exception out of Dispose would hide the one that says why.
    /// </summary>
    public static void Discard(int result) => _ = result;

    /// <summary>The exception of a failed call: what was being done, the driver's name of the error and its sentence.</summary>
    public static DeviceException Failure(this ICudaApi api, int result, string doing, string detail = "") =>
        new((DeviceStatus)result, api.ErrorName(result), $"could not {doing}: {api.ErrorText(result)}{detail}");

    /// <summary>The driver's name of an error, for example <c>CUDA_ERROR_LAUNCH_FAILED</c>.</summary>
    public static string ErrorName(this ICudaApi api, int result)
    {
        byte* text = null;
        return api.GetErrorName(result, &text) == 0 && text != null ? Marshal.PtrToStringUTF8((nint)text)! : $"CUDA_ERROR_{result}";
    }

    /// <summary>The driver's sentence about an error.</summary>
    public static string ErrorText(this ICudaApi api, int result)
    {
        byte* text = null;
        return api.GetErrorString(result, &text) == 0 && text != null
            ? Marshal.PtrToStringUTF8((nint)text)!
            : "an error the driver does not know";
    }
}
