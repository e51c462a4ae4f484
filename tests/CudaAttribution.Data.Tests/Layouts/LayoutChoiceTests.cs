using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Layouts;

/// <summary>Which layout a set is read in, and that nothing is chosen where more than one fits.</summary>
public sealed class LayoutChoiceTests : LayoutFixture
{
    [Test]
    public void TheLayoutIsNamed()
    {
        Folder.Write("table/a.png", Picture(1));
        Folder.Write("table/captions.tsv", "id\tcaption\na\tan ant\n");
        Folder.Write("files/a.png", Picture(1));
        Folder.Write("files/a.txt", "an ant");
        CaptionedDataset table = Load("table"), files = Load("files");
        Assert.That(table.Layout, Is.EqualTo("captions.tsv with the columns id and caption"));
        Assert.That(files.Layout, Does.StartWith("a caption file beside each picture"));
        Assert.That(files.Hash, Is.EqualTo(table.Hash));
        Assert.That(table.Take(1).Shuffle(1).Layout, Is.EqualTo(table.Layout), "parts still tell");
        Assert.That(new CaptionedDataset("made", table.Items).Layout, Is.Null);
    }

    [Test]
    public void TwoThatFitAreRefused()
    {
        Folder.Write("a.png", Picture(1));
        Folder.Write("a.txt", "an ant");
        Folder.Write("captions.tsv", "id\tcaption\na\tan ant\n");
        Refused("captions.tsv is of captions.tsv with the columns id and caption, and a.txt is of a caption file beside each picture", "");
    }

    [Test]
    public void NothingThatIsKnownIsNamedWithWhatIs()
    {
        Folder.Write("a.png", Picture(1));
        Folder.Write("notes.txt", "of no picture");
        DatasetException e = Refused("no data set in a layout that is known", "");
        foreach (string layout in new[] { "captions.tsv", "metadata.csv", "CelebA-Dialog", "Conceptual Captions", "kohya", "webdataset", "Parquet", "pack" })
            Assert.That(e.Remedy, Does.Contain(layout));
        Refused("no data set in a layout that is known", "notes.txt", "notes.txt");
        Refused("no such file or folder", "nowhere", "nowhere");
    }

    /// <summary>img2dataset leaves a table of what it did beside each archive and each folder.</summary>
    [Test]
    public void TablesOfImg2datasetAreNoPictures()
    {
        byte[] table = Pictures.File("parquet/metadata.parquet");
        Folder.Write("files/00000/000000000.png", Picture(1));
        Folder.Write("files/00000/000000000.txt", "an ant");
        Folder.Write("files/00000.parquet", table);
        Folder.Write("files/00000_stats.json", "{}");
        Folder.Write("tars/00000.tar", TarWriting.Archive(("000000000.png", Picture(1)), ("000000000.txt", "an ant")));
        Folder.Write("tars/00000.parquet", table);
        Assert.That(Load("files").Items.Single().Id, Is.EqualTo("00000/000000000"));
        Assert.That(Load("tars").Hash, Is.EqualTo(Load("files").Hash), "one shard's pictures have the same ids, packed or not");
    }
}
