using CudaAttribution.Attribution.Tests.World;
using CudaAttribution.Files;
using CudaAttribution.Suspects;

namespace CudaAttribution.Attribution.Tests.Files;

public class RunFolderTests
{
    [Test]
    public void FilesAppearWhole()
    {
        var folder = new RunFolder(Fixtures.Folder("run"));
        folder.Write("a/b.txt", "first");
        folder.Write("a/b.txt", "second");
        Assert.That(File.ReadAllText(folder.Path("a/b.txt")), Is.EqualTo("second"));
        Assert.That(Directory.GetFiles(folder.Root, "*", SearchOption.AllDirectories), Has.Length.EqualTo(1));
    }

    [Test]
    public void AFileThatCannotBeWrittenLeavesNothingBehind()
    {
        var folder = new RunFolder(Fixtures.Folder("run"));
        Directory.CreateDirectory(folder.Path("taken"));
        File.WriteAllText(folder.Path("taken/inside"), "");
        Assert.That(
            Assert.Throws<AttributionException>(() => folder.Write("taken", "x"))!.Message, Does.Contain("taken").And.Contain("cannot write"));
        Assert.That(Directory.GetFiles(folder.Root), Is.Empty);
    }

    [Test]
    public void AFolderThatCannotBeMadeIsNamed()
    {
        string file = Path.Combine(new RunFolder(Fixtures.Folder("run")).Root, "file");
        File.WriteAllText(file, "");
        Assert.That(
            Assert.Throws<AttributionException>(() => new RunFolder(Path.Combine(file, "below")))!.Message, Does.Contain("cannot write here"));
    }

    [Test]
    public void LossesAreKeptExactly()
    {
        float[] losses = [0.1f, 1 / 3f, 1e-9f];
        var folder = new RunFolder(Fixtures.Folder("run"));
        folder.Write("losses.csv", LossLog.Format(losses));
        var read = LossLog.Read(folder.Path("losses.csv"));
        Assert.That(read.Select(l => (float)l.Loss), Is.EqualTo(losses));
        Assert.That(read.Select(l => l.Step), Is.EqualTo(new[] { 1, 2, 3 }));
        folder.Write("losses.csv", "step,loss\n1,abc\n");
        Assert.That(Assert.Throws<AttributionException>(() => LossLog.Read(folder.Path("losses.csv")))!.Message, Does.Contain("line 2"));
    }
}
