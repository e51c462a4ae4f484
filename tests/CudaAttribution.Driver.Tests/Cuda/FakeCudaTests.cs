using System.Diagnostics;
using System.Reflection;
using CudaAttribution.Driver.Cuda;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Driver.Tests.Cuda;

/// <summary>Runs each scenario in a child process whose CUDA driver library is fake_libcuda.c.</summary>
[TestFixture]
public sealed class FakeCudaTests
{
    private readonly Dictionary<string, string> _libraries = [];
    private TemporaryFolder _folder = null!;

    public static IEnumerable<string> Scenarios => FakeCudaScenarios.All
        .Where(method => !method.GetCustomAttribute<ScenarioAttribute>()!.OnDemand)
        .Select(method => method.Name);

    [OneTimeSetUp]
    public void CreateFolder() => _folder = new TemporaryFolder();

    [OneTimeTearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void TheSelftestKernelRunsInItsDynamicSharedMemory()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "CudaAttribution.sln"))) folder = Path.GetDirectoryName(folder)!;
        string native = Path.Combine(folder, "artifacts", "native");
        string ptx = Path.Combine(native, "selftest.sm_80.ptx"), library = Path.Combine(native, "libcuattr_test_simt.so");
        if (!File.Exists(ptx) || !File.Exists(library)) Assert.Ignore("the native tests are not built: cmake --build artifacts/native --target check");
        Run(nameof(FakeCudaScenarios.TheSelftestKernelReversesItsTile), $"SELFTEST_PTX={ptx}", $"FAKE_CUDA_KERNELS={library}");
    }

    [TestCaseSource(nameof(Scenarios))]
    public void UnderTheFakeDriver(string name) => Run(name);

    private void Run(string name, params string[] settings)
    {
        var scenario = FakeCudaScenarios.All.Single(method => method.Name == name).GetCustomAttribute<ScenarioAttribute>()!;
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(host, [typeof(FakeCudaTests).Assembly.Location, name]);
        string library = scenario.Library.StartsWith('/') ? scenario.Library : FakeLibrary(scenario.Library);
        start.Environment[CudaLibrary.PathVariable] = library;
        string found = scenario.OnLoaderPath is { } other ? FakeLibrary(other) : library;
        start.Environment["LD_LIBRARY_PATH"] = Path.GetDirectoryName(found); // ManagedCuda knows no variable: it asks the loader for libcuda.so
        start.Environment[NativeLibraryLocator.DirectoryVariable] = LibrariesWithoutCubins();
        start.Environment["FAKE_CUDA_KERNELS"] = Path.Combine(AppContext.BaseDirectory, "libcuattr_simt.so");
        foreach (string setting in scenario.Settings.Concat(settings))
        {
            string[] parts = setting.Split('=', 2);
            start.Environment[parts[0]] = parts[1];
        }
        (int exitCode, string output) = TemporaryFolder.Run(start);
        Assert.That(exitCode, Is.Zero, output);
    }

    /// <summary>The program's native libraries without the cubins that may lie beside them, which are for real GPUs.</summary>
    private string LibrariesWithoutCubins()
    {
        string folder = Path.Combine(_folder.Root, "native");
        if (Directory.Exists(folder)) return folder;
        Directory.CreateDirectory(folder);
        foreach (string library in Directory.EnumerateFiles(AppContext.BaseDirectory, "libcuattr_*.so"))
        {
            File.CreateSymbolicLink(Path.Combine(folder, Path.GetFileName(library)), library);
        }
        return folder;
    }

    private string FakeLibrary(string option)
    {
        if (!_libraries.TryGetValue(option, out string? path))
        {
            string source = Path.Combine(AppContext.BaseDirectory, "fake_libcuda.c");
            string folder = Directory.CreateDirectory(Path.Combine(_folder.Root, $"fake{option}")).Name;
            path = _folder.Compile(source, $"{folder}/libcuda.so", option.Length > 0 ? [option] : []);
            _libraries.Add(option, path);
        }
        return path;
    }
}
