using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Layouts;

/// <summary>Hugging Face's image folder with each of its metadata files.</summary>
public sealed class ImageFolderTests : LayoutFixture
{
    private static readonly (string Name, byte[] Bytes)[] Metadata =
    [
        ("metadata.jsonl", """
            {"file_name": "images/b.png", "caption": "a bee", "legs": 6, "note": "flies"}
            {"file_name": "a.png", "caption": "an ant", "legs": 6, "note": null}
            """u8.ToArray()),
        ("metadata.csv", "file_name,caption,legs,note\r\nimages/b.png,a bee,6,flies\r\na.png,an ant,6,\r\n"u8.ToArray()),
        ("metadata.parquet", Pictures.File("parquet/metadata.parquet")),
    ];

    [Test]
    public void AllFormatsGiveTheSameSet([Range(0, 2)] int format, [Values("", "train/", "my split/")] string split)
    {
        (string name, byte[] bytes) = Metadata[format];
        Folder.Write(split + name, bytes);
        Folder.Write(split + "images/b.png", Picture(1));
        Folder.Write(split + "a.png", Picture(2));
        CaptionedDataset set = Load();
        Expect(set, ("a", "an ant", Picture(2)), ("images/b", "a bee", Picture(1)));
        Assert.That(set["images/b"].Tags, Is.EquivalentTo(new Dictionary<string, string> { ["legs"] = "6", ["note"] = "flies" }));
        Assert.That(set["a"].Tags.Keys, Is.EqualTo(new[] { "legs" }));
        Assert.That(set.Layout, Does.StartWith("Hugging Face's image folder").And.EndsWith($": {split}{name}, captions in 'caption'"));
    }

    [TestCase("file_name,text\na.png,\"says \"\"hello\"\", twice\nand goes\"\n", "says \"hello\", twice and goes")]
    [TestCase("\uFEFFprompt,file_name\r\n\r\n plain , a.png \r\n", "plain")]
    [TestCase("\"file_name\",\"caption\"\n\"a.png\",\"é\"", "é")]
    [TestCase("file_name,caption,empty\na.png,x,\"\"\r", "x")]
    public void QuotesAndLineEnds(string csv, string caption)
    {
        Folder.Write("a.png", Picture(1));
        Folder.Write("metadata.csv", csv);
        Expect(Load(), ("a", caption, Picture(1)));
    }

    [TestCase("", "is empty", null)]
    [TestCase("file_name,caption\n", "is empty", null)]
    [TestCase("file_name,label\na.png,x\n", "no column is called text, caption or prompt; there are: file_name, label", 1)]
    [TestCase("file_name,text,prompt\na.png,x,y\n", "several columns may be the captions: text, prompt", 1)]
    [TestCase("file,text\na.png,x\n", "no column 'file_name'; there are: file, text", 1)]
    [TestCase("file_name,text,text\na.png,x,y\n", "repeated column name", 1)]
    [TestCase("file_name,text\n\na.png,x,y\n", "3 fields, the header has 2", 3)]
    [TestCase("file_name,text\na.png,\"x\n\n", "no end", 2)]
    [TestCase("file_name,text\na.png,\"x\ny\" z\n", "goes on after its quote", 3)]
    [TestCase("file_name,text\n\"a.png\",\"x\ny\"\na.png,y\n", "already used in line 2", 4)]
    [TestCase("file_name,text\n../a.png,x\n", "leads out of the folder", 2)]
    [TestCase("file_name,text\na.png, \n", "the caption of 'a' is empty", 2)]
    [TestCase("file_name,text\nb.png,x\n", "there is no b.png", 2)]
    public void WrongCsv(string text, string problem, int? line)
    {
        Folder.Write("a.png", Picture(1));
        Folder.Write("metadata.csv", text);
        Assert.That(Refused(problem, "metadata.csv").Line, Is.EqualTo(line));
    }

    [Test]
    public void CsvThatIsNotUtf8()
    {
        Folder.Write("metadata.csv", [.. "file_name,text\na.png,"u8, 0xff, (byte)'\n']);
        Assert.That(Refused("not UTF-8", "metadata.csv").Line, Is.EqualTo(2));
    }

    [Test]
    public void SplitsAreNamed()
    {
        foreach (string split in new[] { "test", "train" })
        {
            Folder.Write($"{split}/metadata.csv", Metadata[1].Bytes);
            Folder.Write($"{split}/images/b.png", Picture(1));
            Folder.Write($"{split}/a.png", Picture(2));
        }
        Assert.That(Refused("several splits: test, train", "").Remedy, Does.Contain(PathOf("test")));
        Assert.That(Load("train").Count, Is.EqualTo(2));
    }

    [Test]
    public void SeveralMetadataFilesAreRefused()
    {
        foreach ((string name, byte[] bytes) in Metadata) Folder.Write(name, bytes);
        Refused("several metadata files: metadata.jsonl, metadata.csv, metadata.parquet", "");
    }

    [Test]
    public void DamagedParquetIsNamed()
    {
        Folder.Write("metadata.parquet", Metadata[2].Bytes[..^9]);
        Refused("cannot be read as Parquet", "metadata.parquet");
    }
}
