using CudaAttribution.Data.Datasets;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Layouts;

public sealed class ConceptualCaptionsTests : LayoutFixture
{
    private const string Table = "Validation_GCC-1.1.0-Validation.tsv";

    // zlib.crc32 of the addresses, computed in Python.
    private const string Rows = "author : a life in photography\thttp://example.com/0.jpg\r\nangler fishing in river\thttps://example.com/1.jpg?w=2\r\n"
        + "\r\na photo of a \"dog\"\thttp://example.com/é.gif\r\n";

    private static readonly string[] Names = ["0_2000478541", "1_2613926756", "2_2106948104"];

    [Test]
    public void PicturesAreFoundByRowAndAddress()
    {
        Write();
        CaptionedDataset set = Load();
        Expect(
            set, ("00000000", "author : a life in photography", Picture(0)), ("00000001", "angler fishing in river", Picture(1)),
            ("00000002", "a photo of a \"dog\"", Picture(2)));
        Assert.That(set["00000001"].Tags["url"], Is.EqualTo("https://example.com/1.jpg?w=2"));
        Assert.That(set.Layout, Does.StartWith("Conceptual Captions").And.EndsWith(Table));
        Assert.That(Load(Table).Hash, Is.EqualTo(set.Hash), "by the table's name");
    }

    /// <summary>Earlier scripts left the address's checksum alone; others count rows in another way.</summary>
    [Test]
    public void PicturesAreFoundByTheAddressAlone()
    {
        Folder.Write(Table, "caption\turl\n" + Rows);
        for (int i = 0; i < 3; i++) Folder.Write($"validation/{(i == 1 ? "88_" : "")}{Names[i][2..]}", Picture(i));
        Assert.That(Load().Items.Select(i => i.Image.Read()), Is.EqualTo(Enumerable.Range(0, 3).Select(Picture)));
    }

    [Test]
    public void WhatCouldNotBeDownloadedIsSkippedAndCounted()
    {
        Write();
        File.Delete(PathOf($"validation/{Names[0]}"));
        Folder.Write($"validation/{Names[1]}", "<html>404</html>");
        DatasetException e = Refused("there is no validation/0_2000478541 or 2000478541", Table);
        Assert.That((e.Line, e.Setting), Is.EqualTo((1, "on-bad-image")));
        CaptionedDataset set = Load(policy: BadImagePolicy.Skip);
        Expect(set, ("00000002", "a photo of a \"dog\"", Picture(2)));
        Assert.That(set.Skipped.Select(s => (s.Id, Path.GetFileName(s.File))), Is.EqualTo(new[] { ("00000000", Table), ("00000001", Names[1]) }));
    }

    [Test]
    public void SplitsAreNamed()
    {
        Write();
        Folder.Write("Train_GCC-training.tsv", Rows);
        DatasetException e = Refused("several splits: Train_GCC-training.tsv, " + Table, "");
        Assert.That(e.Remedy, Does.Contain(PathOf("Train_GCC-training.tsv")));
    }

    [TestCase("a caption\thttp://x/1\nno address here\n", "not a caption, a tab and an address", 2)]
    [TestCase("a caption\thttp://x/1\nb\tc\thttp://x/1\n", "not a caption, a tab and an address", 2)]
    [TestCase("a caption\thttp://x/1\n \thttp://x/1\n", "not a caption, a tab and an address", 2)]
    [TestCase("a caption\thttp://x/1\nb\tfile:///etc/passwd\n", "not a caption, a tab and an address", 2)]
    [TestCase("caption\turl\n", "is empty", null)]
    public void WrongTables(string text, string problem, int? line)
    {
        Folder.Write("validation/0_1", Picture(1));
        Folder.Write(Table, text);
        Assert.That(Refused(problem).Line, Is.EqualTo(line));
    }

    [Test]
    public void ATableWithoutPicturesIsNamed()
    {
        Folder.Write(Table, Rows);
        Refused("no folder validation or training", Table);
    }

    private void Write()
    {
        Folder.Write(Table, Rows);
        for (int i = 0; i < 3; i++) Folder.Write($"validation/{Names[i]}", Picture(i));
    }
}
