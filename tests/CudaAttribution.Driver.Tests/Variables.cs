namespace CudaAttribution.Driver.Tests;

/// <summary>Sets environment variables of this process for the length of a test.</summary>
internal sealed class Variables : IDisposable
{
    private readonly List<(string Name, string? Before)> _changed = [];

    public Variables(params (string Name, string? Value)[] settings)
    {
        foreach ((string name, string? value) in settings)
        {
            _changed.Add((name, Environment.GetEnvironmentVariable(name)));
            Environment.SetEnvironmentVariable(name, value);
        }
    }

    public void Dispose()
    {
        foreach ((string name, string? before) in _changed)
        {
            Environment.SetEnvironmentVariable(name, before);
        }
    }
}
