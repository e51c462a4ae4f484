using CudaAttribution.Tests;

namespace CudaAttribution.Runs.Tests;

public class RunFolderTests
{
    [Test]
    public void FilesAppearWhole()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        folder.Write("a/b.txt", "first");
        folder.Write("a/b.txt", "second");
        Assert.That(File.ReadAllText(folder.Path("a/b.txt")), Is.EqualTo("second"));
        Assert.That(Directory.GetFiles(folder.Root, "*", SearchOption.AllDirectories), Has.Length.EqualTo(1));
    }

    [Test]
    public void AFileThatCannotBeWrittenLeavesNothingBehind()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        Directory.CreateDirectory(folder.Path("taken"));
        File.WriteAllText(folder.Path("taken/inside"), "");
        Assert.That(
            Assert.Throws<UserException>(() => folder.Write("taken", "x"))!.Message, Does.Contain("taken").And.Contain("cannot write"));
        Assert.That(Directory.GetFiles(folder.Root), Is.Empty);
    }

    [Test]
    public void AFolderThatCannotBeMadeIsNamed()
    {
        string file = Path.Combine(new RunFolder(TestFolder.New("run")).Root, "file");
        File.WriteAllText(file, "");
        Assert.That(
            Assert.Throws<UserException>(() => new RunFolder(Path.Combine(file, "below")))!.Message, Does.Contain("cannot write here"));
    }

    [Test]
    public void WhatKilledWritersLeftIsDeletedAndNothingElse()
    {
        var folder = new RunFolder(TestFolder.New("run"));
        string[] stay = ["a.json", "deep/b.png", "tmp/c", "d.tmpl"];
        foreach (string name in (string[])[.. stay, "a.json.17.tmp", "deep/.plan.json.lock", ".model.partial-1/weights", ".training.2.tmp/0.png"])
            folder.Write(name, "");
        folder.DeleteTemporaries();
        Assert.That(
            Directory.GetFiles(folder.Root, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder.Root, f)),
            Is.EquivalentTo(stay));
    }
}
