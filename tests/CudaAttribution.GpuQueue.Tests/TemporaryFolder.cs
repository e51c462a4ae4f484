namespace CudaAttribution.GpuQueue.Tests;

/// <summary>A folder for one fixture, removed afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("gpu-queue-test-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    public string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllText(this[name], text);
        return this[name];
    }

    /// <summary>A program of the machine that is not there: a shell script under its name.</summary>
    public void WriteProgram(string name, string script) =>
        File.SetUnixFileMode(Write(name, "#!/usr/bin/env bash\n" + script), UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
