using System.Diagnostics;
using System.Reflection;

namespace CudaAttribution.Driver.Tests.Cuda;

/// <summary>Runs each scenario in a child process whose CUDA driver library is fake_libcuda.c.</summary>
[TestFixture]
public sealed class FakeCudaTests
{
    private static readonly string Folder = Path.Combine(Path.GetTempPath(), $"cuattr-fake-cuda-{Environment.ProcessId}");
    private static readonly Dictionary<string, string> Libraries = [];

    public static IEnumerable<string> Scenarios => FakeCudaScenarios.All.Select(method => method.Name);

    [OneTimeTearDown]
    public void RemoveLibraries()
    {
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    [TestCaseSource(nameof(Scenarios))]
    public void UnderTheFakeDriver(string name)
    {
        var scenario = FakeCudaScenarios.All.Single(method => method.Name == name).GetCustomAttribute<ScenarioAttribute>()!;
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [typeof(FakeCudaTests).Assembly.Location, name]);
        start.Environment[CudaLibrary.PathVariable] = scenario.Library.StartsWith('/') ? scenario.Library : FakeLibrary(scenario.Library);
        foreach (string setting in scenario.Settings)
        {
            string[] parts = setting.Split('=', 2);
            start.Environment[parts[0]] = parts[1];
        }
        (int exitCode, string output) = Run(start);
        Assert.That(exitCode, Is.Zero, output);
    }

    private static string FakeLibrary(string option)
    {
        if (!Libraries.TryGetValue(option, out string? path))
        {
            Directory.CreateDirectory(Folder);
            path = Path.Combine(Folder, $"libcuda{option}.so.1");
            string source = Path.Combine(AppContext.BaseDirectory, "fake_libcuda.c");
            string[] arguments = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", .. option.Length > 0 ? [option] : Array.Empty<string>(), "-o", path, source];
            (int exitCode, string output) = Run(new ProcessStartInfo("cc", arguments));
            Assert.That(exitCode, Is.Zero, $"the fake driver could not be compiled (needs gcc):{Environment.NewLine}{output}");
            Libraries.Add(option, path);
        }
        return path;
    }

    private static (int ExitCode, string Output) Run(ProcessStartInfo start)
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
