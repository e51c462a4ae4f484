using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Layouts;

/// <summary>Files that the Rust crate parquet wrote: build/oracle/make_parquet.mjs states what is in them.</summary>
public sealed class ParquetTests : LayoutFixture
{
    private static readonly string[] Names = ["area.png", "colour.jpg", "lossless.webp", "area_2_2.png", "grey.jpg"];

    private static readonly RgbImage[] Images = [.. Names.Select(n => ImageCodecs.Decode(Pictures.File(n)).OverWhite())];

    [Test]
    public void AnExportOfTheLibraryDatasets([Values("", "data/")] string sub)
    {
        Put("train-00000-of-00002.parquet", sub);
        Put("train-00001-of-00002.parquet", sub);
        Refused("the row has no picture", sub + "train-00000-of-00002.parquet: row 4");
        CaptionedDataset set = Load(policy: BadImagePolicy.Skip);
        const string First = "train-00000-of-00002/0000000", Second = "train-00001-of-00002/0000000";
        Expect(
            set, (First + "0", "first", Images[0]), (First + "1", "second é", Images[1]), (First + "3", "fourth", Images[3]),
            (Second + "0", "sixth", Images[4]));
        Assert.That(set.Items[1].Tags, Is.EquivalentTo(new Dictionary<string, string> { ["label"] = "-1", ["image.path"] = "colour.jpg" }));
        Assert.That(set.Skipped.Single().Id, Is.EqualTo(First + "4"));
        Assert.That(set.Warnings.Single().File, Is.EqualTo(PathOf(sub + "train-00000-of-00002.parquet: row 2")));
        Assert.That(set.Layout, Does.StartWith("Parquet with pictures").And.EndsWith(": 2 files, captions in 'text'"));
        Assert.That(Load(sub + "train", BadImagePolicy.Skip).Hash, Is.EqualTo(set.Hash), "by what stands before the numbers");
        Assert.That(Load(sub + "train-00001-of-00002.parquet").Items.Single().Id, Is.EqualTo(Second + "0"));
    }

    [TestCase("flat.parquet", "same", "same", "other", "same", "other")]
    [TestCase("plain.parquet", "a", "b", "c", "d", "e")]
    public void OtherEncodingsAndCodecs(string name, params string[] captions)
    {
        Put(name);
        CaptionedDataset set = Load();
        Expect(set, [.. captions.Select((c, i) => ($"{Path.GetFileNameWithoutExtension(name)}/{i:00000000}", c, Images[i]))]);
        Assert.That(
            set.Items.Select(i => i.Tags.GetValueOrDefault("count")), Is.EqualTo(Enumerable.Range(1, 5).Select(i => name == "flat.parquet" ? $"{i}" : null)));
    }

    /// <summary>Pictures are read from their page whenever they are asked for, by several threads too.</summary>
    [Test]
    public void PicturesAreReadInAnyOrder()
    {
        Put("plain.parquet");
        Put("flat.parquet");
        CaptionedDataset flat = Load("flat.parquet"), plain = Load("plain.parquet");
        int[] order = [4, 0, 3, 1, 2, 2, 0, 4];
        Parallel.ForEach(order, i => Assert.That(flat.Items[i].Image.Read(), Is.EqualTo(plain.Items[i].Image.Read())));
        Put("flat.parquet", "", bytes => [.. bytes[..2000], .. new byte[500], .. bytes[2500..]]);
        Assert.That(() => { foreach (CaptionedImage item in flat.Items) Task.Run(() => item.Image.Read()).GetAwaiter().GetResult(); },
            Throws.TypeOf<DatasetException>());
    }

    [Test]
    public void ColumnsHaveToBeClear()
    {
        Put("two.parquet");
        Refused("several columns may be the captions: text, caption", "two.parquet", "two.parquet");
        Put("none.parquet");
        Refused("no column image has the bytes of pictures; there are: picture.bytes, picture.path, text", "none.parquet", "none.parquet");
        Put("metadata.parquet");
        Refused("no column image", "metadata.parquet", "metadata.parquet");
    }

    [Test]
    public void SplitsAreNamed()
    {
        Folder.Write("data/train-00000-of-00001.parquet", Pictures.File("parquet/plain.parquet"));
        Folder.Write("data/test-00000-of-00001.parquet", Pictures.File("parquet/plain.parquet"));
        Assert.That(Refused("several splits: data/test, data/train", "").Remedy, Does.Contain(PathOf("data/test")));
        Assert.That(Load("data/train").Count, Is.EqualTo(5));
    }

    [TestCase(0)]
    [TestCase(3)]
    [TestCase(11)]
    [TestCase(5000)]
    public void CutShort(int length)
    {
        Put("plain.parquet", "", bytes => bytes[..length]);
        Refused("cannot be read as Parquet", "plain.parquet");
    }

    /// <summary>The length of the description, at the end, made absurd.</summary>
    [TestCase(-1)]
    [TestCase(1)]
    [TestCase(int.MaxValue)]
    public void WrongDescription(int length)
    {
        Put("plain.parquet", "", bytes => [.. bytes[..^8], .. BitConverter.GetBytes(length), .. bytes[^4..]]);
        Refused("cannot be read as Parquet", "plain.parquet");
    }

    private void Put(string name, string sub = "", Func<byte[], byte[]>? change = null)
    {
        byte[] bytes = Pictures.File("parquet/" + name);
        Folder.Write(sub + name, change is null ? bytes : change(bytes));
    }
}
