using CudaAttribution.Files;

namespace CudaAttribution.Cli.Tests;

/// <summary>A folder for one test, removed afterwards.</summary>
internal sealed class TestFolder : IDisposable
{
    /// <summary>A folder for the whole run.</summary>
    public static string Shared { get; } = Directory.CreateTempSubdirectory("cudattr-tests-").FullName;

    public TestFolder() => Root = Directory.CreateTempSubdirectory("cudattr-test-").FullName;

    public string Root { get; }

    public string this[string name] => Path.Combine(Root, name);

    public string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllText(this[name], text);
        return this[name];
    }

    /// <summary>Every file below a folder with its content hash, for comparing folders.</summary>
    public static Dictionary<string, string> Contents(string folder) => Directory
        .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .ToDictionary(f => Path.GetRelativePath(folder, f), RunFolder.HashFile);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
