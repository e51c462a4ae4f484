using System.Reflection;
using System.Text.Json;

namespace CudaAttribution.Cli.Tests;

/// <summary>Packages that are restored only where a build asks for them (<c>-p:CudaBinding=ManagedCuda</c>).</summary>
public sealed class OptInPackageTests
{
    /// <summary>How the names of the packages, and of the assemblies they bring, begin.</summary>
    private static readonly string[] Packages = ["ManagedCuda", "CudaBlas", "CudaDNN"];

    [Test]
    public void No_lock_file_names_one()
    {
        string root = Root();
        string[] files =
        [
            .. new[] { "src", "tests" }
                .SelectMany(folder => Directory.GetDirectories(Path.Combine(root, folder)))
                .Where(folder => Directory.GetFiles(folder, "*.csproj").Length > 0)
                .Select(folder => Path.Combine(folder, "packages.lock.json")),
        ];
        Assert.That(files, Has.Length.GreaterThan(10));
        foreach (string path in files)
        {
            using var file = JsonDocument.Parse(File.ReadAllText(path));
            var names = file.RootElement.GetProperty("dependencies").EnumerateObject()
                .SelectMany(framework => framework.Value.EnumerateObject())
                .Select(package => package.Name);
            Assert.That(names.Where(IsOptIn), Is.Empty, path);
        }
    }

    [Test]
    public void No_assembly_of_the_default_build_refers_to_one()
    {
#if OPTIN
        Assert.Ignore("this build was asked for an opt-in package");
#else
        string[] files = Directory.GetFiles(AppContext.BaseDirectory, "*.dll");
        Assert.That(files.Select(Path.GetFileName).Where(name => IsOptIn(name!)), Is.Empty, "beside the program");
        string[] own = [.. files.Where(file => Path.GetFileName(file).StartsWith("CudaAttribution", StringComparison.Ordinal)), Program];
        Assert.That(own, Has.Length.GreaterThan(6));
        foreach (string file in own)
        {
            var references = Assembly.LoadFrom(file).GetReferencedAssemblies().Select(reference => reference.Name!);
            Assert.That(references.Where(IsOptIn), Is.Empty, file);
        }
#endif
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "cudattr.dll");

    private static bool IsOptIn(string name) => Packages.Any(package => name.StartsWith(package, StringComparison.OrdinalIgnoreCase));

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "CudaAttribution.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }
        return folder ?? throw new DirectoryNotFoundException($"no CudaAttribution.sln above {AppContext.BaseDirectory}");
    }
}
