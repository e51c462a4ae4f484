using System.Diagnostics;
using System.Runtime.InteropServices;

namespace CudaAttribution.Driver.Libraries;

/// <summary>One path at which a native library was looked for, and what was there.</summary>
/// <param name="Path">The path or bare name that was given to the loader.</param>
/// <param name="Outcome"><c>loaded</c>, <c>not there</c>, or the loader's own message.</param>
public sealed record LibraryAttempt(string Path, string Outcome)
{
    public override string ToString() => $"{Path}: {Outcome}";
}

/// <summary>
/// Finds the project's own native libraries: in <c>CUDATTR_NATIVE_DIR</c> where that is set (nowhere else then), otherwise beside the program, and
/// last where the runtime itself looks, which is the folder that a single-file program unpacks to. Libraries stay loaded until the process ends.
/// </summary>
public static class NativeLibraryLocator
{
    public const string DirectoryVariable = "CUDATTR_NATIVE_DIR";

    /// <summary>The first place: the folder that the variable names, otherwise the program's.</summary>
    internal static string Folder => Environment.GetEnvironmentVariable(DirectoryVariable) is { Length: > 0 } forced
        ? Path.GetFullPath(forced)
        : AppContext.BaseDirectory;

    /// <summary>Loads the library from the first place that has it.</summary>
    /// <returns>The loader's handle and the path it came from.</returns>
    /// <exception cref="NativeLibraryException">None could be loaded; the message lists each path with its reason.</exception>
    public static (nint Handle, string Path) Load(string fileName)
    {
        nint handle = TryLoad(fileName, out var attempts);
        if (handle == 0)
        {
            throw new NativeLibraryException(
                $"native library {fileName} cannot be loaded. Build the project (dotnet build runs CMake) "
                + $"or set {DirectoryVariable} to its folder. Tried:"
                + string.Concat(attempts.Select(attempt => $"{Environment.NewLine}  {attempt}")));
        }
        return (handle, attempts[^1].Path);
    }

    /// <summary>Like <see cref="Load"/>, without the exception: 0 where nothing could be loaded.</summary>
    public static nint TryLoad(string fileName, out IReadOnlyList<LibraryAttempt> attempts)
    {
        string? forced = Environment.GetEnvironmentVariable(DirectoryVariable);
        string path = Path.Combine(Folder, fileName);
        nint handle = 0;
        string outcome = "not there";
        if (File.Exists(path))
        {
            handle = TryLoadPath(path, out outcome);
        }
        var attempt = new LibraryAttempt(path, outcome);
        if (handle != 0 || !string.IsNullOrEmpty(forced))
        {
            attempts = [attempt];
            return handle;
        }
        bool found = NativeLibrary.TryLoad(fileName, typeof(NativeLibraryLocator).Assembly, DllImportSearchPath.AssemblyDirectory, out handle);
        var searched = found
            ? new LibraryAttempt(LoadedPath(fileName), "loaded")
            : new LibraryAttempt($"{fileName} on the runtime's search path", "not there");
        attempts = [attempt, searched];
        return handle;
    }

    private static string LoadedPath(string fileName)
    {
        using var process = Process.GetCurrentProcess();
        var loaded = process.Modules.Cast<ProcessModule>().Select(module => module.FileName);
        return loaded.FirstOrDefault(path => Path.GetFileName(path) == fileName) ?? fileName;
    }

    /// <summary>Loads one path or bare name; the outcome is <c>loaded</c> or the loader's message on one line.</summary>
    internal static nint TryLoadPath(string path, out string outcome)
    {
        try
        {
            nint handle = NativeLibrary.Load(path);
            outcome = "loaded";
            return handle;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            outcome = LoaderReason(e.Message, path);
            return 0;
        }
    }

    /// <summary>The system loader's own line; the runtime puts a general hint in front of it.</summary>
    private static string LoaderReason(string message, string path)
    {
        string[] lines = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string reason = lines.Length > 1 ? string.Join(" ", lines[1..]) : message;
        return reason.StartsWith($"{path}: ", StringComparison.Ordinal) ? reason[(path.Length + 2)..] : reason;
    }
}
