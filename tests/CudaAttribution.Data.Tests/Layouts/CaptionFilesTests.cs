using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Layouts;

/// <summary>Captions in files beside the pictures, as kohya's scripts and img2dataset have them.</summary>
public sealed class CaptionFilesTests : LayoutFixture
{
    [Test]
    public void KohyasFolders([Values("", "10_art/")] string folder)
    {
        Folder.Write(folder + "b.webp", Pictures.File("lossless.webp"));
        Folder.Write(folder + "b.caption", "a bee\r\n");
        Folder.Write(folder + "a.png", Picture(1));
        Folder.Write(folder + "a.txt", "\uFEFF1girl,  ant\nsecond line");
        Folder.Write("reg/c.png", Picture(2));
        Folder.Write("reg/c.txt", "é");
        CaptionedDataset set = Load();
        Assert.That(set.Items.Select(i => (i.Id, i.Caption)), Is.EqualTo(new[]
        {
            (folder + "a", "1girl, ant second line"), (folder + "b", "a bee"), ("reg/c", "é"),
        }));
        Assert.That(set[folder + "a"].Image.Read(), Is.EqualTo(Picture(1)));
        Assert.That(set["reg/c"].Image.Read(), Is.EqualTo(Picture(2)));
    }

    [Test]
    public void Img2datasetsFolders()
    {
        Folder.Write("00000/000000000.jpg", Picture(1));
        Folder.Write("00000/000000000.txt", "a bee");
        Folder.Write("00000/000000000.json", """
            {"caption": "a bee", "url": "http://x/1", "width": 256, "exif": "{\"a\": \"\ud83d\"}", "error_message": null, "ratio": NaN}
            """);
        Folder.Write("00001/000010003.jpg", Picture(2));
        Folder.Write("00001/000010003.json", "{\"caption\": \"an ant\", \"key\": \"000010003\"}");
        CaptionedDataset set = Load();
        Expect(set, ("00000/000000000", "a bee", Picture(1)), ("00001/000010003", "an ant", Picture(2)));
        Assert.That(set.Items[0].Tags, Is.EquivalentTo(new Dictionary<string, string>
        {
            ["url"] = "http://x/1", ["width"] = "256", ["exif"] = "{\"a\": \"\uFFFD\"}",
        }));
        Assert.That(set.Items[1].Tags, Is.EquivalentTo(new Dictionary<string, string> { ["key"] = "000010003" }));
    }

    [Test]
    public void PicturesWithoutCaptionAreWarnings()
    {
        Write();
        Folder.Write("empty.png", Picture(2));
        Folder.Write("empty.txt", " \n");
        Folder.Write("none.png", Picture(2));
        Folder.Write("of-no-picture.txt", "x");
        CaptionedDataset set = Load();
        Assert.That(set.Items.Select(i => i.Id), Is.EqualTo(new[] { "a" }));
        Assert.That(set.Warnings.Select(w => w.File), Is.EqualTo(new[] { PathOf("empty.png"), PathOf("none.png") }));
    }

    [Test]
    public void ABadPictureFailsOrIsSkipped()
    {
        Write();
        Folder.Write("b.jpg", "text");
        Folder.Write("b.txt", "b");
        Refused("not a PNG, JPEG or WebP", "b.jpg");
        Assert.That(Load(policy: BadImagePolicy.Skip).Skipped.Single().Id, Is.EqualTo("b"));
    }

    [TestCase("a.caption", "x", "two captions", "a.caption")]
    [TestCase("a.jpg", "x", "two pictures", "a.png")]
    [TestCase("a.json", "[1]", "not a JSON object", "a.json")]
    [TestCase("a.json", "{", "not a JSON object", "a.json")]
    public void WrongFiles(string name, string text, string problem, string file)
    {
        Write();
        Folder.Write(name, text);
        Refused(problem, file);
    }

    [TestCase("{\"title\": \"x\"}", "no column is called text, caption or prompt; there are: title")]
    [TestCase("{\"text\": \"x\", \"prompt\": \"x\"}", "several columns may be the captions: text, prompt")]
    public void JsonAloneHasToNameTheCaption(string json, string problem)
    {
        Folder.Write("a.png", Picture(1));
        Folder.Write("a.json", json);
        Refused(problem, "a.json");
    }

    [Test]
    public void TextThatIsNone()
    {
        Write();
        Folder.Write("a.txt", [0xff]);
        Refused("not UTF-8", "a.txt");
        Folder.Write("a.txt", new byte[(1 << 20) + 1]);
        Refused("more than 1048576 bytes", "a.txt");
    }

    [Test]
    public void NamesThatAreNoIds()
    {
        Folder.Write("a:b.png", Picture(1));
        Folder.Write("a:b.txt", "x");
        Refused("holds ':'", "a:b.png");
    }

    private void Write()
    {
        Folder.Write("a.png", Picture(1));
        Folder.Write("a.txt", "an ant");
    }
}
