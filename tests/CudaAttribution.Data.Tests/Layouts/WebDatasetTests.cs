using System.Text;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests.Layouts;

public sealed class WebDatasetTests : LayoutFixture
{
    [Test]
    public void ShardsAreReadInOrder([Values("", "data/")] string sub)
    {
        Folder.Write(sub + "00001.tar", TarWriting.Archive(("k.png", Picture(3)), ("k.txt", "third")));
        Folder.Write(sub + "00000.tar", Sound());
        CaptionedDataset set = Load();
        Assert.That(set.Layout, Does.StartWith("webdataset").And.EndsWith(": 2 shards"));
        Expect(set, ("00000/dir/a", "first", Picture(1)), ("00000/dir/b", "second é", Picture(2)), ("00001/k", "third", Picture(3)));
        Assert.That(set.Warnings, Is.Empty, "files of other extensions are left alone");
        Assert.That(set["00000/dir/a"].Tags, Is.EquivalentTo(new Dictionary<string, string> { ["url"] = "http://x/1", ["width"] = "9" }));
        Assert.That(Load(sub + "00001.tar").Items.Single().Id, Is.EqualTo("00001/k"));
    }

    [Test]
    public void ASplitIsNamedByWhatStandsBeforeItsNumbers()
    {
        foreach (string name in new[] { "train-0000.tar", "train-0001.tar", "test-0000.tar" })
            Folder.Write(name, TarWriting.Archive(("k.png", Picture(3)), ("k.txt", "x")));
        Assert.That(Refused("several splits: test, train", "").Remedy, Does.Contain(PathOf("test")));
        Assert.That(Load("train").Items.Select(i => i.Id), Is.EqualTo(new[] { "train-0000/k", "train-0001/k" }));
    }

    [Test]
    public void NoPictureIsHeldAndAChangeIsNoticed()
    {
        const int Count = 99, Side = 256;
        (string, object)[] entries = [.. Enumerable.Range(0, Count).SelectMany(i => new (string, object)[]
        {
            ($"{i:00}.png", RgbImage.Filled(Side, Side, (byte)i, 0, 0)), ($"{i:00}.txt", $"picture {i}"),
        })];
        string file = Folder.Write("a.tar", TarWriting.Archive(entries));
        long before = GC.GetTotalMemory(forceFullCollection: true);
        CaptionedDataset set = Load("a.tar");
        Assert.That(GC.GetTotalMemory(forceFullCollection: true) - before, Is.LessThan(Count * Side * Side * 3 / 4), "pools of buffers keep a few");
        Assert.That(set.Items.Select(i => i.Image.Read().Pixels[0]), Is.EqualTo(Enumerable.Range(0, Count)));
        entries[0] = ("00.png", RgbImage.Filled(Side, Side, 99, 0, 0));
        File.WriteAllBytes(file, TarWriting.Archive(entries));
        Assert.That(() => set["a/00"].Image.Read(), Throws.TypeOf<DatasetException>().With.Message.StartsWith($"{file}: 00.png: the picture was "));
        File.Delete(file);
        Assert.That(() => set["a/01"].Image.Read(), Throws.TypeOf<DatasetException>().With.Message.Contains("cannot be read again"));
    }

    [Test]
    public void BadAndMissingPicturesFailOrAreSkipped()
    {
        Folder.Write("0.tar", TarWriting.Archive(
            ("a.jpg", "no picture"), ("a.txt", "a"), ("b.txt", "b"), ("c.png", Picture(1)), ("c.txt", "c"), ("d.png", Picture(2)), ("e.cls", "7")));
        Refused("not a PNG, JPEG or WebP", "0.tar: a.jpg");
        CaptionedDataset set = Load(policy: BadImagePolicy.Skip);
        Expect(set, ("0/c", "c", Picture(1)));
        Assert.That(set.Skipped.Select(s => s.Id), Is.EqualTo(new[] { "0/a", "0/b" }));
        Assert.That(set.Warnings.Single().File, Is.EqualTo(PathOf("0.tar: d.png")));
    }

    [TestCase("../a.png", "leads out of the folder")]
    [TestCase("/etc/a.png", "absolute path")]
    [TestCase("x\\a.png", "holds '\\'")]
    [TestCase("x/../../a.png", "leads out of the folder")]
    public void NamesThatLeadElsewhere(string name, string problem)
    {
        Folder.Write("0.tar", TarWriting.Archive((name, Picture(1))));
        Refused(problem, "0.tar");
    }

    [Test]
    public void FilesThatComeTwice()
    {
        Folder.Write("0.tar", TarWriting.Archive(("a.png", Picture(1)), ("a.jpg", Picture(1)), ("a.txt", "x")));
        Refused("two pictures", "0.tar: a.jpg");
        Folder.Write("0.tar", TarWriting.Archive(("a.txt", "x"), ("a.txt", "x")));
        Refused("two captions", "0.tar: a.txt");
    }

    [Test]
    public void WhatIsNoArchiveOrCutShort()
    {
        byte[] sound = Sound();
        Folder.Write("0.tar", "text");
        Refused("cannot be read as tar", "0.tar");
        Folder.Write("0.tar", []);
        Refused("is empty", "");
        Folder.Write("0.tar", new byte[2048]);
        Refused("is empty", "");
        foreach (int length in new[] { 100, 512, 700, sound.Length / 2 })
        {
            Folder.Write("0.tar", sound[..length]);
            Refused("", name: "0.tar");
        }
    }

    /// <summary>The size of the picture, in octal digits, made larger than the archive, and than a number.</summary>
    [TestCase("00000007777")]
    [TestCase("77777777777")]
    public void AbsurdSizes(string size)
    {
        byte[] archive = TarWriting.Archive(("a.txt", "x"), ("a.png", Picture(1)));
        int header = archive.AsSpan().LastIndexOf("a.png\0"u8);
        Encoding.ASCII.GetBytes(size).CopyTo(archive, header + 124);
        "        "u8.CopyTo(archive.AsSpan(header + 148));
        int sum = archive.AsSpan(header, 512).ToArray().Sum(b => b);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(archive, header + 148);
        Folder.Write("0.tar", archive);
        Refused("ends", "0.tar");
    }

    private static byte[] Sound() => TarWriting.Archive(
        ("./dir/b.png", Picture(2)), ("./dir/b.json", "{\"text\": \"second é\"}"), ("dir/a.PNG", Picture(1)), ("dir/a.txt", "first\n"),
        ("dir/a.json", "{\"caption\": \"first\", \"url\": \"http://x/1\", \"width\": 9}"), ("dir/a.mask.png", Picture(4)), ("README", "x"));
}
