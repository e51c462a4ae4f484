using System.Runtime.InteropServices;

namespace CudaAttribution.Data.Codecs.Native;

/// <summary>
/// Finds the native library of the codecs: in <c>CUDATTR_NATIVE_DIR</c> where that is set (nowhere else then), otherwise beside the
/// program and in the folders the runtime unpacks a single-file program to.
/// </summary>
public static class NativeLibraryLocator
{
    /// <summary>The environment variable that names a folder with the native libraries.</summary>
    public const string FolderVariable = "CUDATTR_NATIVE_DIR";

    /// <summary>The full paths where the library is looked for, in order.</summary>
    /// <param name="name">The library's plain name, for example "cuattr_image".</param>
    public static IReadOnlyList<string> Candidates(string name)
    {
        string file = OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } forced) return [Path.GetFullPath(Path.Combine(forced, file))];
        List<string> folders = [AppContext.BaseDirectory];
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string unpacked)
            folders.AddRange(unpacked.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        return [.. folders.Select(f => Path.GetFullPath(Path.Combine(f, file))).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Loads the first library that can be loaded.</summary>
    /// <exception cref="DllNotFoundException">None can; the message lists each path and what was wrong there.</exception>
    public static nint Load(string name)
    {
        var tried = new List<string>();
        foreach (string path in Candidates(name))
        {
            if (!File.Exists(path))
            {
                tried.Add($"{path}: not there");
                continue;
            }
            try
            {
                return NativeLibrary.Load(path);
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                tried.Add($"{path}: {LoaderReason(e.Message)}");
            }
        }
        throw new DllNotFoundException(
            $"The native library {name} cannot be loaded. Build the project (dotnet build runs CMake) "
            + $"or set {FolderVariable} to the folder that has it. Tried:"
            + string.Concat(tried.Select(t => "\n  " + t)));
    }

    /// <summary>The system loader's own words; the runtime puts a general hint in a line before them.</summary>
    private static string LoaderReason(string message)
    {
        string[] lines = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length > 1 ? string.Join(' ', lines[1..]) : message;
    }
}
