using CudaAttribution.Driver.Host;
using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Driver.Tests.Host;

/// <summary>Native libraries that are absent, broken or of another build.</summary>
[TestFixture]
public sealed class NativeLibraryTests
{
    private const string Simt = "libcuattr_simt.so";

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void FindsThemBesideTheAssembly()
    {
        using var settings = new Variables((NativeLibraryLocator.DirectoryVariable, null));
        (nint handle, string path) = NativeLibraryLocator.Load(Simt);
        Assert.That(handle, Is.Not.Zero);
        Assert.That(path, Is.EqualTo(Path.Combine(AppContext.BaseDirectory, Simt)));
    }

    [Test]
    public void ListsEachPathTried()
    {
        using var settings = new Variables((NativeLibraryLocator.DirectoryVariable, null));
        var error = Assert.Throws<NativeLibraryException>(() => NativeLibraryLocator.Load("libcuattr_none.so"))!;
        Assert.That(error.Message, Does.Contain($"{Path.Combine(AppContext.BaseDirectory, "libcuattr_none.so")}: not there"));
        Assert.That(error.Message, Does.Contain("libcuattr_none.so on the runtime's search path: not there"));
    }

    [Test]
    public void LooksOnlyInTheFolderThatIsNamed()
    {
        AssertRefused($"{Path.Combine(_folder.Root, Simt)}: not there", NativeLibraryLocator.DirectoryVariable);
    }

    [Test]
    public void ShowsTheLoadersReason()
    {
        File.WriteAllText(Path.Combine(_folder.Root, Simt), "not a library");
        AssertRefused($"{Path.Combine(_folder.Root, Simt)}: ", "file too short");
    }

    [Test]
    public void RefusesAnotherAbiVersion()
    {
        string path = _folder.CompileText("int cuattr_abi_version(void) { return 99; }", Simt);
        AssertRefused($"{path} has ABI version 99", "needs 3");
    }

    [Test]
    public void NamesAMissingFunction()
    {
        string path = _folder.CompileText("int cuattr_abi_version(void) { return 3; }", Simt);
        AssertRefused($"{path} does not export cuattr_last_error");
    }

    private void AssertRefused(params string[] words)
    {
        using var settings = new Variables((NativeLibraryLocator.DirectoryVariable, _folder.Root));
        var error = Assert.Throws<NativeLibraryException>(() => HostDriver.OpenSimt())!;
        foreach (string word in words)
        {
            Assert.That(error.Message, Does.Contain(word));
        }
    }
}
