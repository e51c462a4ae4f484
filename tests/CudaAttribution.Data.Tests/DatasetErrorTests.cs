using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>Every way a data set can be wrong: a <see cref="DatasetException"/> with file, line and what to do.</summary>
public class DatasetErrorTests
{
    private TemporaryFolder folder = null!;

    [SetUp]
    public void SetUp()
    {
        folder = new TemporaryFolder();
        folder.Write("a.png", Pictures.Noise(4, 4, 1));
    }

    [TearDown]
    public void TearDown() => folder.Dispose();

    [Test]
    public void NoSuchFolder() => Expect("no such file or folder", path: Path.Combine(folder.Path, "nowhere"));

    [Test]
    public void NoCaptions() => Expect("no data set in a layout that is known");

    [Test]
    public void TwoFilesOfCaptions()
    {
        folder.Write("captions.tsv", "id\tcaption\na\tx\n");
        folder.Write("metadata.jsonl", "{\"file_name\": \"a.png\", \"text\": \"x\"}");
        Expect("several layouts: captions.tsv is of captions.tsv with the columns id and caption, and metadata.jsonl is of Hugging Face's");
    }

    [TestCase("", "is empty", null)]
    [TestCase("id\tcaption\n", "is empty", null)]
    [TestCase("id\ttext\na\tx\n", "no column 'caption'", 1)]
    [TestCase("a\tx\n", "no column 'id'", 1)]
    [TestCase("id\tcaption\tcaption\na\tx\ty\n", "repeated column name", 1)]
    [TestCase("id\tcaption\n\na\tx\ty\n", "3 fields, the header has 2", 3)]
    [TestCase("id\tcaption\na\n", "1 fields, the header has 2", 2)]
    [TestCase("id\tcaption\na\t \n", "the caption of 'a' is empty", 2)]
    [TestCase("id\tcaption\na\tx\na\ty\n", "already used in line 2", 3)]
    [TestCase("id\tcaption\nb\tx\n", "the caption 'b' has no picture", 2)]
    [TestCase("id\tcaption\n\tx\n", "is empty", 2)]
    [TestCase("id\tcaption\n../a\tx\n", "leads out of the folder", 2)]
    [TestCase("id\tcaption\nsub/../../a\tx\n", "leads out of the folder", 2)]
    [TestCase("id\tcaption\n/etc/passwd\tx\n", "absolute path", 2)]
    [TestCase("id\tcaption\nsub//a\tx\n", "empty part", 2)]
    [TestCase("id\tcaption\n..\\a\tx\n", "holds '\\'", 2)]
    [TestCase("id\tcaption\nC:a\tx\n", "holds ':'", 2)]
    [TestCase("id\tcaption\na\u0001\tx\n", "control character", 2)]
    public void WrongTable(string text, string problem, int? line)
    {
        string file = folder.Write("captions.tsv", text);
        DatasetException e = Expect(problem);
        Assert.That((e.File, e.Line), Is.EqualTo((file, line)));
        Assert.That(e.Message, Does.StartWith(line is null ? $"{file}: " : $"{file}:{line}: "));
    }

    [TestCase("{\"file_name\": \"a.png\"}", "no column is called text, caption or prompt; there are: file_name", 1)]
    [TestCase("{\"text\": \"x\"}", "no column 'file_name'; there are: text", 1)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": \"x\"}\n{\"file_name\": \"b.png\"}", "no text property 'text'", 2)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": \"x\", \"prompt\": \"y\"}", "several columns may be the captions: text, prompt", 1)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": 3}", "no text property 'text'", 1)]
    [TestCase("[1]", "not a JSON object", 1)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": \"x\"}\n{\"file_name\"", "not a JSON object", 2)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": \" \\n\"}", "the caption of 'a' is empty", 1)]
    [TestCase("{\"file_name\": \"../a.png\", \"text\": \"x\"}", "leads out of the folder", 1)]
    [TestCase("{\"file_name\": \"\", \"text\": \"x\"}", "is empty", 1)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": \"x\"}\n{\"file_name\": \"a.jpg\", \"text\": \"y\"}", "already used in line 1", 2)]
    [TestCase("{\"file_name\": \"b.png\", \"text\": \"x\"}", "there is no b.png", 1)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": \"x\"}\n{\"file_name\": \"b.png\", \"text\": \"\\ud83d\"}", "half of a surrogate pair", 2)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": \"x\", \"\\ude00\": \"y\"}", "half of a surrogate pair", 1)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": \"x\", \"tag\": \"\\ud83d\"}", "half of a surrogate pair", 1)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": \"x\", \"text\": \"y\"}", "'text'", 1)]
    [TestCase("{\"file_name\": \"a.png\", \"text\": NaN}", "not a JSON object", 1)]
    [TestCase("\n", "is empty", null)]
    public void WrongLines(string text, string problem, int? line)
    {
        string file = folder.Write("metadata.jsonl", text);
        DatasetException e = Expect(problem);
        Assert.That((e.File, e.Line), Is.EqualTo((file, line)));
    }

    [Test]
    public void CaptionsThatAreNotUtf8()
    {
        folder.Write("captions.tsv", [.. "id\tcaption\na\t"u8, 0xff, (byte)'\n']);
        Assert.That(Expect("not UTF-8").Line, Is.EqualTo(2));
    }

    [Test]
    public void TwoPicturesForOneId()
    {
        folder.Write("a.webp", Pictures.File("lossless.webp"));
        folder.Write("captions.tsv", "id\tcaption\na\tx\n");
        Assert.That(Expect("several pictures: a.png, a.webp").Line, Is.EqualTo(2));
    }

    [Test]
    public void BadPictureIsNamed()
    {
        string cut = folder.Write("cut.jpg", Pictures.File("colour.jpg")[..300]);
        folder.Write("captions.tsv", "id\tcaption\na\tx\ncut\ty\n");
        DatasetException e = Expect("damaged or cut short");
        Assert.That(e.File, Is.EqualTo(cut));
        Assert.That(e.InnerException, Is.TypeOf<ImageDecodeException>());
        Assert.That((e.Remedy, e.Setting), Is.EqualTo(("Replace or remove the picture, or skip bad pictures.", "on-bad-image")));
    }

    [Test]
    public void FirstBadPictureInOrderIsTheOneNamed()
    {
        foreach (string id in new[] { "z", "k", "b" }) folder.Write(id + ".png", "text");
        folder.Write("captions.tsv", "id\tcaption\nz\tx\nk\tx\nb\tx\na\tx\n");
        for (int round = 0; round < 20; round++) Assert.That(Path.GetFileName(Expect("not a PNG").File), Is.EqualTo("b.png"));
    }

    [Test]
    public void FilesOverTheByteLimitAreNotRead()
    {
        folder.Write("captions.tsv", "id\tcaption\na\tx\n");
        Expect("the limit is 20 bytes", new LoadOptions { MaxFileBytes = 20 });
    }

    [Test]
    public void NothingLeftAfterSkipping()
    {
        folder.Write("b.png", "text");
        folder.Write("captions.tsv", "id\tcaption\nb\tx\n");
        Expect("all of its 1 pictures were skipped", new LoadOptions { OnBadImage = BadImagePolicy.Skip });
    }

    [Test]
    public void MetadataThatNamesAnotherKindOfFile()
    {
        folder.Write("metadata.jsonl", "{\"file_name\": \"metadata.jsonl\", \"text\": \"x\"}");
        Expect("not a PNG, JPEG or WebP");
    }

    [Test]
    public void WrongSizeIsAnArgumentError() =>
        Assert.That(() => CaptionedDataset.Load(folder.Path, new LoadOptions { Size = 0 }), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void WrongItems()
    {
        RgbImage image = Pictures.Noise(1, 1, 1);
        Assert.That(() => new CaptionedImage("../a", "x", image), Throws.ArgumentException);
        Assert.That(() => new CaptionedImage("a", " ", image), Throws.ArgumentException);
        Assert.That(() => new CaptionedDataset("test", []), Throws.TypeOf<DatasetException>().With.Message.Contains("empty"));
        Assert.That(
            () => new CaptionedDataset("test", [new CaptionedImage("a", "x", image), new CaptionedImage("a", "y", image)]),
            Throws.TypeOf<DatasetException>().With.Message.Contains("occurs twice"));
    }

    private DatasetException Expect(string problem, LoadOptions? options = null, string? path = null)
    {
        var thrown = Assert.Throws<DatasetException>(() => CaptionedDataset.Load(path ?? folder.Path, options))!;
        Assert.That(thrown.Message, Does.Contain(problem));
        return thrown;
    }
}
