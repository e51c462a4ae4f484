using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CudaAttribution.Runs;

/// <summary>What .NET has no call for.</summary>
internal static partial class Posix
{
    public const int Terminate = 15;

    private const int NoSuchFile = 2, ReadOnlyCloseOnExec = 0x80000;

    /// <summary>Opens a file for reading whoever has locked it: .NET asks for a lock of its own with every file that it opens.</summary>
    /// <returns>Null where there is none.</returns>
    public static FileStream? OpenUnlocked(string path)
    {
        int file = Open(path, ReadOnlyCloseOnExec);
        if (file >= 0) return new FileStream(new SafeFileHandle(file, ownsHandle: true), FileAccess.Read);
        int error = Marshal.GetLastPInvokeError();
        return error == NoSuchFile ? null : throw new IOException($"{Marshal.GetPInvokeErrorMessage(error)}: {path}");
    }

    /// <summary>Sends a signal to a process; one that has ended does not mind.</summary>
    public static void Signal(int process, int signal) => _ = Kill(process, signal);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
