using System.Runtime.InteropServices;

namespace CudaAttribution.Driver;

/// <summary>One path at which a native library was looked for, and what was there.</summary>
/// <param name="Path">The path or bare name that was given to the loader.</param>
/// <param name="Outcome"><c>loaded</c>, <c>not there</c>, or the loader's own message.</param>
public sealed record LibraryAttempt(string Path, string Outcome)
{
    public override string ToString() => $"{Path}: {Outcome}";
}

/// <summary>
/// Finds the project's own native libraries: in <c>CUDATTR_NATIVE_DIR</c> where that is set (nowhere else then), otherwise beside the assembly and in
/// the folders the runtime unpacks a single-file program to. Libraries stay loaded until the process ends.
/// </summary>
public static class NativeLibraryLocator
{
    public const string DirectoryVariable = "CUDATTR_NATIVE_DIR";

    /// <summary>The paths at which <paramref name="fileName"/> is looked for, in order.</summary>
    public static IReadOnlyList<string> Candidates(string fileName)
    {
        string? forced = Environment.GetEnvironmentVariable(DirectoryVariable);
        if (!string.IsNullOrEmpty(forced))
        {
            return [Path.Combine(Path.GetFullPath(forced), fileName)];
        }
        var folders = new List<string> { AppContext.BaseDirectory };
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string unpacked)
        {
            folders.AddRange(unpacked.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        }
        return folders.Select(folder => Path.Combine(Path.TrimEndingDirectorySeparator(folder), fileName)).Distinct().ToArray();
    }

    /// <summary>Loads the library from the first candidate that exists.</summary>
    /// <returns>The loader's handle and the path it came from.</returns>
    /// <exception cref="NativeLibraryException">None could be loaded; the message lists each path with its reason.</exception>
    public static (nint Handle, string Path) Load(string fileName)
    {
        nint handle = TryLoad(fileName, out var attempts);
        if (handle == 0)
        {
            throw new NativeLibraryException(
                $"native library {fileName} cannot be loaded. Build the project (dotnet build runs CMake) or set {DirectoryVariable} to its folder. Tried:"
                + string.Concat(attempts.Select(attempt => $"{Environment.NewLine}  {attempt}")));
        }
        return (handle, attempts[^1].Path);
    }

    /// <summary>Like <see cref="Load"/>, without the exception: 0 where nothing could be loaded.</summary>
    public static nint TryLoad(string fileName, out IReadOnlyList<LibraryAttempt> attempts)
    {
        var tried = new List<LibraryAttempt>();
        attempts = tried;
        foreach (string path in Candidates(fileName))
        {
            if (!File.Exists(path))
            {
                tried.Add(new LibraryAttempt(path, "not there"));
                continue;
            }
            nint handle = TryLoadPath(path, out string outcome);
            tried.Add(new LibraryAttempt(path, outcome));
            if (handle != 0)
            {
                return handle;
            }
        }
        return 0;
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
