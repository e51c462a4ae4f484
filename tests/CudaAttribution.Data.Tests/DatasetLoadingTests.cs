using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>Sound data sets: what is read, in which order, with which hash.</summary>
public class DatasetLoadingTests
{
    private TemporaryFolder folder = null!;

    [SetUp]
    public void SetUp() => folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => folder.Dispose();

    [Test]
    public void TableWithTagsAndAllExtensions()
    {
        RgbImage image = Pictures.Noise(20, 14, 1);
        folder.Write("b.png", image);
        folder.Write("a.JPG", Pictures.File("colour.jpg"));
        folder.Write("c.jpeg", Pictures.File("grey.jpg"));
        folder.Write("deep/d.webp", Pictures.File("lossless.webp"));
        folder.Write(
            "captions.tsv",
            "short_name\tid\tcaption\tcategory\nbee\tb\t A  bee \tinsects\r\n\taa\tx\ty\n".Replace("aa", "a")
            + "\n\tc\tsea\t\n\tdeep/d\tdee\t\n");
        CaptionedDataset set = CaptionedDataset.Load(folder.Path);
        Assert.That(set.Items.Select(i => i.Id), Is.EqualTo(new[] { "a", "b", "c", "deep/d" }));
        Assert.That(set["b"].Caption, Is.EqualTo("A bee"));
        Assert.That(set["b"].Image.Read(), Is.EqualTo(image));
        Assert.That(set["b"].Tags, Is.EqualTo(new Dictionary<string, string> { ["short_name"] = "bee", ["category"] = "insects" }));
        Assert.That(set["c"].Tags, Is.Empty);
        Assert.That(set.Warnings, Is.Empty);
        Assert.That(set.Skipped, Is.Empty);
        Assert.That(set.Source, Is.EqualTo(folder.Path));
    }

    [Test]
    public void MetadataLinesGiveTheSameSetAsATable()
    {
        folder.Write("x/b.png", Pictures.Noise(5, 5, 1));
        folder.Write("a.png", Pictures.Noise(5, 5, 2));
        string lines = folder.Write("metadata.jsonl", """
            {"file_name": "x/b.png", "text": "a bee\nflying", "count": 3, "kind": "insect", "boxes": [1, 2]}

            {"file_name": "a.png", "text": "an ant"}
            """);
        CaptionedDataset fromLines = CaptionedDataset.Load(folder.Path);
        Assert.That(fromLines.Items.Select(i => (i.Id, i.Caption)), Is.EqualTo(new[] { ("a", "an ant"), ("x/b", "a bee flying") }));
        Assert.That(fromLines["x/b"].Tags, Is.EqualTo(new Dictionary<string, string> { ["count"] = "3", ["kind"] = "insect" }));
        File.Delete(lines);
        folder.Write("captions.tsv", "id\tcaption\nx/b\ta bee flying\na\tan ant\n");
        Assert.That(CaptionedDataset.Load(folder.Path).Hash, Is.EqualTo(fromLines.Hash));
    }

    [Test]
    public void ByteOrderMarkIsDropped()
    {
        folder.Write("a.png", Pictures.Noise(2, 2, 1));
        folder.Write("captions.tsv", "\uFEFFid\tcaption\na\tan ant\n");
        Assert.That(CaptionedDataset.Load(folder.Path).Count, Is.EqualTo(1));
    }

    [Test]
    public void SizeAndModeAreApplied()
    {
        RgbImage image = Pictures.Noise(40, 20, 1);
        folder.Write("a.png", image);
        folder.Write("captions.tsv", "id\tcaption\na\tan ant\n");
        foreach (ResizeMode mode in Enum.GetValues<ResizeMode>())
            Assert.That(Load(mode), Is.EqualTo(image.ToSquare(8, mode)), mode.ToString());
        RgbImage byDefault = CaptionedDataset.Load(folder.Path, new LoadOptions { Size = 8 })["a"].Image.Read();
        Assert.That(byDefault, Is.EqualTo(image.ToSquare(8, ResizeMode.CropCentre)));

        RgbImage Load(ResizeMode mode) => CaptionedDataset.Load(folder.Path, new LoadOptions { Size = 8, Resize = mode })["a"].Image.Read();
    }

    [Test]
    public void TransparentPicturesLieOnWhite()
    {
        folder.Write("a.png", PngWriter.Write(new int[1, 1, 4], PngWriter.RgbAlpha, 8));
        folder.Write("captions.tsv", "id\tcaption\na\tnothing\n");
        Assert.That(CaptionedDataset.Load(folder.Path)["a"].Image.Read().Pixels, Is.EqualTo(new byte[] { 255, 255, 255 }));
    }

    [Test]
    public void PicturesWithoutCaptionAreWarnings()
    {
        folder.Write("a.png", Pictures.Noise(2, 2, 1));
        string stray = folder.Write("sub/stray.png", Pictures.Noise(2, 2, 1));
        folder.Write("notes.txt", "not a picture, not a warning");
        folder.Write("captions.tsv", "id\tcaption\na\tan ant\n");
        CaptionedDataset set = CaptionedDataset.Load(folder.Path);
        Assert.That(set.Warnings.Select(w => w.File), Is.EqualTo(new[] { stray }));
        Assert.That(set.Warnings[0].ToString(), Does.Contain("no caption"));
    }

    [Test]
    public void LinkedPicturesAreRead()
    {
        using var elsewhere = new TemporaryFolder();
        string file = elsewhere.Write("blob", Pictures.Noise(2, 2, 1));
        File.CreateSymbolicLink(Path.Combine(folder.Path, "a.png"), file);
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "loop"), folder.Path);
        folder.Write("captions.tsv", "id\tcaption\na\tan ant\n");
        CaptionedDataset set = CaptionedDataset.Load(folder.Path);
        Assert.That(set["a"].Image.Read(), Is.EqualTo(Pictures.Noise(2, 2, 1)));
        Assert.That(set.Warnings, Is.Empty, "folders behind links are not entered");
    }

    [Test]
    public void SkipListsWhatWasLeftOut()
    {
        folder.Write("good.png", Pictures.Noise(4, 4, 1));
        folder.Write("cut.png", ImageCodecs.EncodePng(Pictures.Noise(4, 4, 1))[..40]);
        folder.Write("large.png", Pictures.Noise(9, 9, 1));
        folder.Write("text.jpg", "not a picture");
        folder.Write("captions.tsv", "id\tcaption\ngood\tg\ncut\tc\nlarge\tl\ntext\tt\nmissing\tm\n");
        CaptionedDataset set = CaptionedDataset.Load(folder.Path, new LoadOptions { OnBadImage = BadImagePolicy.Skip, MaxPixels = 16 });
        Assert.That(set.Items.Select(i => i.Id), Is.EqualTo(new[] { "good" }));
        Assert.That(set.Skipped.Select(s => s.Id), Is.EqualTo(new[] { "cut", "large", "missing", "text" }));
        Assert.That(set.Skipped.Select(s => Path.GetFileName(s.File)), Is.EqualTo(new[] { "cut.png", "large.png", "captions.tsv", "text.jpg" }));
        Assert.That(set.Skipped.Select(s => s.Reason), Has.None.Empty);
        Assert.That(set.Skipped[1].Reason, Does.Contain("9 x 9").And.Contain("16"));
        Assert.That(set.Where(_ => true).Skipped, Is.EqualTo(set.Skipped), "parts of the set still tell");
    }

    [Test]
    public void HashIsTheDocumentedOne()
    {
        // hashlib.sha256 over the layout in ContentHash, computed in Python.
        var set = new CaptionedDataset("test", [
            new CaptionedImage("b/ü", "second, caption é", new RgbImage(1, 2, [250, 251, 252, 253, 254, 255])),
            new CaptionedImage(
                "a",
                "first caption",
                new RgbImage(2, 1, [1, 2, 3, 4, 5, 6]),
                new Dictionary<string, string> { ["tag"] = "not hashed" }),
        ]);
        Assert.That(set.Hash, Is.EqualTo("ee6990ddd3ce8280c7550793fc81b3fcf6fbb3c727ee5d36a3865c6f828671f8"));
        Assert.That(set.Shuffle(5).Hash, Is.EqualTo(set.Hash), "independent of the order");
    }

    [Test]
    public void HashSeesEverythingThatIsLearned()
    {
        var item = new CaptionedImage("a", "caption", Pictures.Noise(2, 2, 1));
        string[] hashes = [.. new[]
        {
            item, new CaptionedImage("b", "caption", item.Image), item.WithCaption("another"), item.WithImage(Pictures.Noise(2, 2, 2)),
            item.WithImage(new RgbImage(4, 1, item.Image.Read().Pixels)),
        }.Select(i => new CaptionedDataset("test", [i]).Hash)];
        Assert.That(hashes, Is.Unique);
    }
}
