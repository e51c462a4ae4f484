using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>Writing a data set: it comes back the same, and it is there whole or not at all.</summary>
public class DatasetWriterTests
{
    private TemporaryFolder folder = null!;

    [SetUp]
    public void SetUp() => folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => folder.Dispose();

    private string Target => Path.Combine(folder.Path, "set");

    [Test]
    public void WrittenSetsReadBackTheSame()
    {
        CaptionedImage[] items =
        [
            new("sub/b", "a bee, Größe 1", Pictures.Noise(7, 3, 1), new Dictionary<string, string> { ["kind"] = "insect", ["name"] = "bee" }),
            new("a.b", "an ant", Pictures.Noise(4, 4, 2), new Dictionary<string, string> { ["kind"] = "insect" }),
            new("c", "nothing", Pictures.Noise(1, 1, 3)),
        ];
        CaptionedDatasetWriter.Write(Target, items);
        CaptionedDataset set = CaptionedDataset.Load(Target);
        Assert.That(set.Hash, Is.EqualTo(new CaptionedDataset("test", items).Hash));
        foreach (CaptionedImage item in items) Assert.That(set[item.Id].Tags, Is.EqualTo(item.Tags), item.Id);
        Assert.That(set.Warnings, Is.Empty);
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.EqualTo(new[] { Target }), "no temporary folder is left");
    }

    [Test]
    public void TheBytesDependOnTheItemsAlone()
    {
        CaptionedImage[] items = [.. Enumerable.Range(0, 5).Select(i => new CaptionedImage($"{i}", "x", Pictures.Noise(9, 9, (ulong)i)))];
        string other = Path.Combine(folder.Path, "other");
        CaptionedDatasetWriter.Write(Target, items);
        CaptionedDatasetWriter.Write(other, items.Reverse());
        foreach (string name in new[] { "captions.tsv", "0.png", "4.png" })
            Assert.That(File.ReadAllBytes(Path.Combine(other, name)), Is.EqualTo(File.ReadAllBytes(Path.Combine(Target, name))), name);
    }

    [Test]
    public void NothingIsThereBeforeCompletionOrAfterFailure()
    {
        using (var writer = new CaptionedDatasetWriter(Target))
        {
            writer.Add(new CaptionedImage("a", "x", Pictures.Noise(2, 2, 1)));
            Assert.That(Directory.Exists(Target), Is.False);
            Assert.That(
                () => writer.Add(new CaptionedImage("a", "y", Pictures.Noise(2, 2, 1))),
                Throws.TypeOf<DatasetException>().With.Message.Contains("occurs twice"));
        }
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.Empty);
    }

    [Test]
    public void AnEmptySetIsAnError()
    {
        using (var writer = new CaptionedDatasetWriter(Target))
            Assert.That(writer.Complete, Throws.TypeOf<DatasetException>().With.Message.Contains("empty"));
        Assert.That(Directory.Exists(Target), Is.False);
    }

    [Test]
    public void WhatAKilledWriterLeftIsRemovedByTheNext()
    {
        string left = $".set.{Guid.NewGuid():N}.tmp", ofAnother = $".set.b.{Guid.NewGuid():N}.tmp", foreign = ".set.mine.tmp";
        foreach (string name in new[] { left, ofAnother, foreign }) folder.Write($"{name}/a.png", Pictures.Noise(2, 2, 1));
        CaptionedDatasetWriter.Write(Target, [new CaptionedImage("a", "x", Pictures.Noise(2, 2, 1))]);
        Assert.That(
            Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName), Is.EquivalentTo(new[] { "set", ofAnother, foreign }));
    }

    [Test]
    public void FullTargetsAreLeftAloneAndEmptyOnesTaken()
    {
        folder.Write("set/precious.txt", "keep");
        Assert.That(() => new CaptionedDatasetWriter(Target), Throws.TypeOf<DatasetException>().With.Message.Contains("exists already"));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.EqualTo(new[] { Target }));
        File.Delete(Path.Combine(Target, "precious.txt"));
        CaptionedDatasetWriter.Write(Target, [new CaptionedImage("a", "x", Pictures.Noise(2, 2, 1))]);
        Assert.That(CaptionedDataset.Load(Target).Count, Is.EqualTo(1));
    }

    [Test]
    public void UnwritablePlacesAreTypedErrors()
    {
        string file = folder.Write("file", "x");
        Assert.That(
            () => new CaptionedDatasetWriter(Path.Combine(file, "set")),
            Throws.TypeOf<DatasetException>().With.Message.Contains("cannot be written"));
    }
}
