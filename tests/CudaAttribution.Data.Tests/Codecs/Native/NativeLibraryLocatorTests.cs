using CudaAttribution.Data.Codecs.Native;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Codecs.Native;

/// <summary>Where the native library is looked for, and what is said when it is not found.</summary>
[NonParallelizable]
public class NativeLibraryLocatorTests
{
    private string? before;

    [SetUp]
    public void SetUp() => before = Environment.GetEnvironmentVariable(NativeLibraryLocator.FolderVariable);

    [TearDown]
    public void TearDown() => Environment.SetEnvironmentVariable(NativeLibraryLocator.FolderVariable, before);

    [Test]
    public void BesideTheProgramFirst()
    {
        Environment.SetEnvironmentVariable(NativeLibraryLocator.FolderVariable, null);
        Assert.That(NativeLibraryLocator.Candidates("cuattr_x")[0], Is.EqualTo(Path.Combine(AppContext.BaseDirectory, "libcuattr_x.so")));
    }

    [Test]
    public void TheVariableReplacesTheSearch()
    {
        using var folder = new TemporaryFolder();
        Environment.SetEnvironmentVariable(NativeLibraryLocator.FolderVariable, folder.Path);
        Assert.That(NativeLibraryLocator.Candidates("cuattr_x"), Is.EqualTo(new[] { Path.Combine(folder.Path, "libcuattr_x.so") }));
    }

    [Test]
    public void FailureListsEachPathAndItsReason()
    {
        using var folder = new TemporaryFolder();
        Environment.SetEnvironmentVariable(NativeLibraryLocator.FolderVariable, folder.Path);
        string path = Path.Combine(folder.Path, "libcuattr_x.so");
        Assert.That(() => NativeLibraryLocator.Load("cuattr_x"), Throws.TypeOf<DllNotFoundException>().With.Message.Contains($"{path}: not there"));
        folder.Write("libcuattr_x.so", "not a library");
        Assert.That(
            () => NativeLibraryLocator.Load("cuattr_x"),
            Throws.TypeOf<DllNotFoundException>().With.Message.Contains(path).And.Message.Contains("file too short"));
    }
}
