using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Layouts;

/// <summary>A data set that a test writes, and what is read of it.</summary>
public abstract class LayoutFixture
{
    private protected TemporaryFolder Folder { get; private set; } = null!;

    [SetUp]
    public void MakeFolder() => Folder = new TemporaryFolder();

    [TearDown]
    public void RemoveFolder() => Folder.Dispose();

    private protected static RgbImage Picture(int seed) => Pictures.Noise(5, 4, (ulong)seed);

    private protected string PathOf(string name) => name.Length == 0 ? Folder.Path : Path.Combine(Folder.Path, name);

    private protected CaptionedDataset Load(string name = "", BadImagePolicy policy = BadImagePolicy.Fail) =>
        CaptionedDataset.Load(PathOf(name), new LoadOptions { OnBadImage = policy });

    /// <summary>Loading fails with this fact about this file, and says what to do.</summary>
    private protected DatasetException Refused(string problem, string? file = null, string name = "")
    {
        var thrown = Assert.Throws<DatasetException>(() => Load(name))!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(thrown.Problem, Does.Contain(problem));
            Assert.That(thrown.Remedy, Does.EndWith("."));
            if (file is not null) Assert.That(thrown.File, Is.EqualTo(PathOf(file)));
        }
        return thrown;
    }

    private protected static void Expect(CaptionedDataset set, params (string Id, string Caption, RgbImage Image)[] items)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(set.Items.Select(i => (i.Id, i.Caption)), Is.EqualTo(items.Select(i => (i.Id, i.Caption))));
            Assert.That(set.Items.Select(i => i.Image.Read()), Is.EqualTo(items.Select(i => i.Image)));
            Assert.That(set.Items.Select(i => i.Image.Read()), Is.EqualTo(items.Select(i => i.Image)), "again");
        }
    }
}
