using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>Sprite-sheet packs: lossless round trip, and every mismatch between their files.</summary>
public class PackTests
{
    private static readonly SheetOrigin Origin = new("Title", "source 1.0", "MIT", "LICENCES/MIT.txt", "By somebody.");

    private TemporaryFolder folder = null!;

    [SetUp]
    public void SetUp() => folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => folder.Dispose();

    [Test]
    public void RoundTripIsLossless([Values(1, 6, 7, 13)] int count)
    {
        CaptionedDataset first = Set(count, 1), second = Set(count, 2);
        SpriteSheetPack.Write(folder.Path, 3, [("first", first, Origin), ("second", second.Shuffle(1), Origin)]);
        foreach ((string name, CaptionedDataset set) in new[] { ("first", first), ("second", second) })
        {
            CaptionedDataset read = SpriteSheetPack.Read(new FolderPackFiles(folder.Path), name);
            Assert.That(read.Hash, Is.EqualTo(set.Hash));
            Assert.That(read.Items.Select(i => i.Id), Is.EqualTo(set.Items.Select(i => i.Id)));
            foreach (CaptionedImage item in set.Items) Assert.That(read[item.Id].Tags, Is.EqualTo(item.Tags));
        }
        Assert.That(SpriteSheetPack.ReadIndex(new FolderPackFiles(folder.Path)).Sheets[1].Origin, Is.EqualTo(Origin));
        string[] files = ["captions.tsv", "first.webp", "pack.json", "second.webp"];
        Assert.That(Directory.GetFiles(folder.Path).Select(Path.GetFileName), Is.EquivalentTo(files));
    }

    [Test]
    public void ASheetLoadsLikeAFolder()
    {
        CaptionedDataset set = WritePack();
        CaptionedDataset read = CaptionedDataset.Load(Path.Combine(folder.Path, "first.webp"), new LoadOptions { Size = 4 });
        Assert.That(read["03"].Image.Read(), Is.EqualTo(set["03"].Image.Read().Resize(4, 4)));
        Assert.That(() => CaptionedDataset.Load(folder.Path), Throws.TypeOf<DatasetException>().With.Message.Contains("pack of several"));
    }

    [Test]
    public void SheetsMustBeAlike()
    {
        CaptionedDataset set = Set(4, 1);
        Refused(Set(3, 1), "3 pictures");
        Refused(set.Select(i => i.Id == "02" ? i.WithCaption("other") : i), "'02: other'");
        Refused(set.Select(i => new CaptionedImage(i.Id, i.Caption, i.Image)), "'00: caption 0'");
        Refused(set.Select(i => i.Id == "02" ? i.WithImage(Pictures.Noise(8, 9, 1)) : i), "8 x 9 pixels");

        void Refused(CaptionedDataset other, string problem) => Assert.That(
            () => SpriteSheetPack.Write(folder.Path, 3, [("first", set, Origin), ("second", other, Origin)]),
            Throws.TypeOf<DatasetException>().With.Message.Contains(problem));
    }

    [TestCase("first.webp", "missing")]
    [TestCase("captions.tsv", "missing")]
    [TestCase("pack.json", "missing")]
    public void MissingFiles(string name, string problem)
    {
        WritePack();
        File.Delete(Path.Combine(folder.Path, name));
        Expect(problem, name);
    }

    [Test]
    public void UnknownSheet()
    {
        WritePack();
        Assert.That(
            () => SpriteSheetPack.Read(new FolderPackFiles(folder.Path), "third"),
            Throws.TypeOf<DatasetException>().With.Message.Contains("Name one of: first"));
    }

    [Test]
    public void DamagedSheet()
    {
        WritePack();
        string file = Path.Combine(folder.Path, "first.webp");
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^9]);
        Expect("damaged or cut short", "first.webp");
    }

    [Test]
    public void SheetOfAnotherShape()
    {
        WritePack();
        folder.Write("first.webp", ImageCodecs.EncodeWebPLossless(Pictures.Noise(8, 8, 1)));
        Expect("8 x 8 pixels, the index asks for 24 x 16", "first.webp");
    }

    [Test]
    public void ChangedPixelsAndCaptions()
    {
        CaptionedDataset set = WritePack();
        folder.Write("first.webp", ImageCodecs.EncodeWebPLossless(Pictures.Noise(24, 16, 1)));
        Expect("the index says " + set.Hash, "first.webp");
        WritePack();
        Edit("captions.tsv", "caption 2", "caption 9");
        Expect("the index says " + set.Hash, "first.webp");
    }

    [TestCase("captions.tsv", "\t3\t", "\t2\t", "each number from 0 to 3 once")]
    [TestCase("captions.tsv", "\t3\t", "\t4\t", "each number from 0 to 3 once")]
    [TestCase("captions.tsv", "\t3\t", "\tx\t", "each number from 0 to 3 once")]
    [TestCase("captions.tsv", "index", "place", "each number from 0 to 3 once")]
    [TestCase("pack.json", "\"tile\": 8", "\"tile\": 0", "must be positive")]
    [TestCase("pack.json", "\"version\": 1", "\"version\": 2", "version 2")]
    [TestCase("pack.json", "\"name\": \"first\"", "\"name\": \"../first\"", "leads out of")]
    [TestCase("pack.json", "LICENCES/", "../", "leads out of")]
    [TestCase("pack.json", "\"title\"", "\"tilte\"", "malformed")]
    [TestCase("pack.json", "\"sheets\": [", "\"sheets\": {", "malformed")]
    [TestCase("pack.json", "\"MIT\"", "null", "malformed")]
    public void WrongContents(string name, string old, string replacement, string problem)
    {
        WritePack();
        Edit(name, old, replacement);
        Expect(problem, name);
    }

    [Test]
    public void CaptionsOfAnotherPack()
    {
        WritePack();
        Edit("pack.json", "\"count\": 4", "\"count\": 2000000000");
        Expect("4 captions, the index says 2000000000", "captions.tsv");
    }

    private static CaptionedDataset Set(int count, ulong seed) => new(
        "test",
        Enumerable.Range(0, count).Select(i => new CaptionedImage(
            $"{i:00}", $"caption {i}", Pictures.Noise(8, 8, seed * 1000 + (ulong)i), new Dictionary<string, string> { ["kind"] = "made up" })));

    private CaptionedDataset WritePack()
    {
        CaptionedDataset set = Set(4, 1);
        SpriteSheetPack.Write(folder.Path, 3, [("first", set, Origin)]);
        return set;
    }

    private void Edit(string name, string old, string replacement)
    {
        string path = Path.Combine(folder.Path, name), text = File.ReadAllText(path);
        Assert.That(text, Does.Contain(old));
        File.WriteAllText(path, text.Replace(old, replacement));
    }

    private void Expect(string problem, string file)
    {
        var thrown = Assert.Throws<DatasetException>(() => SpriteSheetPack.Read(new FolderPackFiles(folder.Path), "first"))!;
        Assert.That(thrown.Message, Does.Contain(problem));
        Assert.That(Path.GetFileName(thrown.File), Is.EqualTo(file));
    }
}
