using System.Diagnostics;

namespace CudaAttribution.Driver.Tests;

/// <summary>A folder that lives as long as a test, with a C compiler at hand.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Root = Directory.CreateTempSubdirectory("cuattr-driver-tests-").FullName;

    public string Root { get; }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    /// <summary>Creates an empty file with its folders; returns the full path.</summary>
    public string Touch(string relativePath)
    {
        string path = Path.Combine(Root, relativePath);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, []);
        return path;
    }

    /// <summary>Compiles a C file to a shared library; returns the full path.</summary>
    public string Compile(string sourcePath, string libraryName, params string[] options)
    {
        string path = Path.Combine(Root, libraryName);
        (int exitCode, string output) = Run(
            new ProcessStartInfo("cc", ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", .. options, "-o", path, sourcePath]));
        Assert.That(exitCode, Is.Zero, $"{sourcePath} could not be compiled (needs gcc):{Environment.NewLine}{output}");
        return path;
    }

    /// <summary>Compiles C text to a shared library; returns the full path.</summary>
    public string CompileText(string code, string libraryName)
    {
        string source = Path.Combine(Root, libraryName + ".c");
        File.WriteAllText(source, code);
        return Compile(source, libraryName);
    }

    /// <summary>Runs a process to its end and returns what it printed.</summary>
    public static (int ExitCode, string Output) Run(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
