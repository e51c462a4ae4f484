using CudaAttribution.Driver.Libraries;

namespace CudaAttribution.Driver.Tests.Probe;

[TestFixture]
public sealed class VendorLibraryTests
{
    private TemporaryFolder _folder = null!;
    private Variables _clean = null!;

    [SetUp]
    public void CreateFolder()
    {
        _folder = new TemporaryFolder();
        _clean = new Variables(
            (VendorLibraries.CublasVariable, null),
            (VendorLibraries.CudnnVariable, null),
            ("LD_LIBRARY_PATH", null),
            ("CUDA_HOME", null),
            ("VIRTUAL_ENV", null));
    }

    [TearDown]
    public void RemoveFolder()
    {
        _clean.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void PrefersTheNewestMajorVersion()
    {
        _folder.Touch("libcublas.so.12");
        string newer = _folder.Touch("libcublas.so.13");
        using var settings = new Variables((VendorLibraries.CublasVariable, _folder.Root));
        Assert.That(VendorLibraries.FindCublas().Path, Is.EqualTo(newer));
    }

    [Test]
    public void TakesAFileByItsName()
    {
        string file = _folder.Touch("my-cudnn.so");
        using var settings = new Variables((VendorLibraries.CudnnVariable, file));
        VendorLibrary found = VendorLibraries.FindCudnn();
        Assert.That((found.Name, found.Path), Is.EqualTo(("cuDNN", file)));
    }

    [Test]
    public void LooksNowhereElseWhereAPathIsForced()
    {
        string there = Path.GetDirectoryName(_folder.Touch("elsewhere/libcudnn.so.9"))!;
        string missing = Path.Combine(_folder.Root, "nothing");
        using var settings = new Variables((VendorLibraries.CudnnVariable, missing), ("LD_LIBRARY_PATH", there));
        VendorLibrary found = VendorLibraries.FindCudnn();
        Assert.That(found.Path, Is.Null);
        Assert.That(found.Tried, Is.EqualTo((string[])[missing]));
    }

    [TestCase("LD_LIBRARY_PATH", "")]
    [TestCase("CUDA_HOME", "lib64/")]
    [TestCase("VIRTUAL_ENV", "lib/python3.12/site-packages/nvidia/cublas/lib/")]
    [TestCase("VIRTUAL_ENV", "lib/python3.13/site-packages/nvidia/cu13/lib/")]
    public void FindsItInItsUsualFolders(string variable, string folder)
    {
        string file = _folder.Touch($"{folder}libcublas.so.12");
        using var settings = new Variables((variable, _folder.Root));
        VendorLibrary found = VendorLibraries.FindCublas();
        Assert.That(found.Path, Is.EqualTo(file));
        Assert.That(found.Tried[^1], Is.EqualTo(file));
    }

    [Test]
    public void FindsCudnnInPyTorchsWheel()
    {
        string file = _folder.Touch("lib/python3.11/site-packages/nvidia/cudnn/lib/libcudnn.so.9");
        using var settings = new Variables(("VIRTUAL_ENV", _folder.Root));
        Assert.That(VendorLibraries.FindCudnn().Path, Is.EqualTo(file));
    }
}
