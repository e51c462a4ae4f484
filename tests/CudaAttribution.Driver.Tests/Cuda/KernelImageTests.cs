using CudaAttribution.Driver.Cuda;

namespace CudaAttribution.Driver.Tests.Cuda;

[TestFixture]
public sealed class KernelImageTests
{
    private const string Ptx = ".version 7.0";
    private const string PtxImage = "PTX, compiled by the driver";

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [TestCase("sm_80", "kernels.sm_80.cubin")]
    [TestCase("sm_86", "kernels.sm_86.cubin")]
    [TestCase("sm_87", "kernels.sm_86.cubin")]
    [TestCase("sm_89", "kernels.sm_86.cubin")]
    [TestCase("sm_90", "kernels.sm_90a.cubin")]
    [TestCase("sm_103", "kernels.sm_100.cubin")]
    [TestCase("sm_120", null)]
    public void TheClosestCubinOfTheMajorCapabilityIsTaken(string device, string? file)
    {
        CubinFolder.Write(_folder.Root, Ptx, "sm_86", "sm_90a", "sm_80", "sm_90", "sm_100", "sm_100a");
        KernelImage image = KernelImage.Choose(Ptx, _folder.Root, device);
        Assert.That(image.Description, Is.EqualTo(file is null ? PtxImage : $"{file} ({CubinFolder.Assembler})"));
        if (file is not null) Assert.That(image.Bytes, Is.EqualTo(File.ReadAllBytes(Path.Combine(_folder.Root, file))));
    }

    [Test]
    public void ATargetOfOneCapabilityServesNoOther()
    {
        CubinFolder.Write(_folder.Root, Ptx, "sm_100a");
        Assert.That(KernelImage.Choose(Ptx, _folder.Root, "sm_103").Description, Is.EqualTo(PtxImage));
    }

    [Test]
    public void WithoutAListThePtxIsTaken()
    {
        File.Delete(CubinFolder.Write(_folder.Root, Ptx, "sm_90"));
        KernelImage image = KernelImage.Choose(Ptx, _folder.Root, "sm_90");
        Assert.That(image.Description, Is.EqualTo(PtxImage));
        Assert.That(image.Bytes, Is.EqualTo(".version 7.0\0"u8.ToArray()));
    }

    [TestCase("\"format\":1", "\"format\":2", "format 2")]
    [TestCase("\"format\":1", "\"format\":1,", "cannot be used")]
    [TestCase("\"assembler\"", "\"assembled\"", "cannot be used")]
    [TestCase("sm_90\"", "sm_9\"", "target is 'sm_9'")]
    [TestCase("kernels.sm_90.cubin", "../kernels.cubin", "file is '../kernels.cubin'")]
    [TestCase("\"sha256\":\"", "\"sha256\":\"x", "sha256 is 'x")]
    public void ADamagedListIsRefused(string text, string changed, string word)
    {
        string list = CubinFolder.Write(_folder.Root, Ptx, "sm_90");
        File.WriteAllText(list, File.ReadAllText(list).Replace(text, changed, StringComparison.Ordinal));
        Fails(list, word);
    }

    [Test]
    public void CubinsOfOtherKernelsAreRefused() => Fails(CubinFolder.Write(_folder.Root, Ptx + " ", "sm_90"), "other kernels");

    [Test]
    public void AMissingCubinIsRefused()
    {
        string list = CubinFolder.Write(_folder.Root, Ptx, "sm_90");
        File.Delete(Path.Combine(_folder.Root, "kernels.sm_90.cubin"));
        Fails(list, "kernels.sm_90.cubin");
    }

    [Test]
    public void AChangedCubinIsRefused()
    {
        string list = CubinFolder.Write(_folder.Root, Ptx, "sm_90");
        File.AppendAllText(Path.Combine(_folder.Root, "kernels.sm_90.cubin"), " ");
        Fails(list, "kernels.sm_90.cubin", "has SHA-256");
    }

    private void Fails(string list, params string[] words)
    {
        var error = Assert.Throws<NativeLibraryException>(() => KernelImage.Choose(Ptx, _folder.Root, "sm_90"))!;
        foreach (string word in words) Assert.That(error.Message, Does.Contain(word));
        Assert.That(error.Message, Does.Contain("build/cubins.sh").And.Contain($"delete {list}"));
    }
}
