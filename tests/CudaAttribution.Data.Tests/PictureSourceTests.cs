using CudaAttribution.Data.Codecs;
using CudaAttribution.Data.Datasets;
using CudaAttribution.Data.Tests.Support;
using CudaAttribution.Images;
using NUnit.Framework;

namespace CudaAttribution.Data.Tests;

/// <summary>Pictures that are read when they are asked for: nothing is held, and what is read is what was loaded.</summary>
public class PictureSourceTests
{
    private TemporaryFolder folder = null!;

    [SetUp]
    public void SetUp() => folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => folder.Dispose();

    [Test]
    public void ALoadedSetHoldsNoPicture()
    {
        // Pools of buffers keep a few pictures, whatever the number: a tenth of the set is far above them.
        const int Count = 99, Side = 256;
        WriteSet(Count, i => RgbImage.Filled(Side, Side, (byte)i, 0, 0));
        long before = GC.GetTotalMemory(forceFullCollection: true);
        CaptionedDataset set = CaptionedDataset.Load(folder.Path);
        string hash = set.Hash;
        long held = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.That(held, Is.LessThan(Count * Side * Side * 3 / 10));
        Assert.That(set.Items.Select(i => i.Image.Read().Pixels[0]), Is.EqualTo(Enumerable.Range(0, Count)));
        Assert.That(hash, Is.EqualTo(new CaptionedDataset("held", set.Items.Select(i => i.WithImage(i.Image.Read()))).Hash));
    }

    [Test]
    public void WhatIsChangedOrGoneIsNamed()
    {
        CaptionedDataset set = WriteSet(3, i => Pictures.Noise(9, 7, (ulong)i));
        string file = Path.Combine(folder.Path, "01.png");
        byte[] sound = File.ReadAllBytes(file);
        Refused("was changed after", () => folder.Write("01.png", Pictures.Noise(9, 7, 99)));
        Refused("was changed after", () => folder.Write("01.png", new RgbImage(7, 9, Pictures.Noise(9, 7, 1).Pixels)));
        Refused("cannot be read again", () => folder.Write("01.png", sound[..^20]));
        Refused("cannot be read again", () => folder.Write("01.png", "text"));
        Refused("cannot be read again", () => File.Delete(file));
        folder.Write("01.png", sound);
        Assert.That(set["01"].Image.Read(), Is.EqualTo(Pictures.Noise(9, 7, 1)), "as it was");

        void Refused(string problem, Action change)
        {
            change();
            var one = Assert.Throws<DatasetException>(() => set["01"].Image.Read())!;
            Assert.That((one.File, one.Message), Is.EqualTo((file, Assert.Throws<DatasetException>(() => _ = set.Where(_ => true).Hash)!.Message)));
            Assert.That(one.Message, Does.Contain(problem).And.Contain("as they are while it is used"));
        }
    }

    /// <summary>Which pictures are left out is decided when the set is loaded, not when they are read.</summary>
    [Test]
    public void ABadPictureIsFoundByLoading([Values] BadImagePolicy policy)
    {
        WriteSet(3, i => Pictures.Noise(4, 4, (ulong)i));
        folder.Write("01.png", File.ReadAllBytes(Path.Combine(folder.Path, "01.png"))[..50]);
        var options = new LoadOptions { OnBadImage = policy };
        if (policy == BadImagePolicy.Skip) Assert.That(CaptionedDataset.Load(folder.Path, options).Items.Select(i => i.Id), Is.EqualTo(new[] { "00", "02" }));
        else Assert.That(() => CaptionedDataset.Load(folder.Path, options), Throws.TypeOf<DatasetException>().With.Message.Contains("01.png"));
    }

    [Test]
    public void ASquareIsResizedWhenItIsRead()
    {
        var counted = new Counted(Pictures.Noise(20, 10, 1));
        IPicture square = counted.ToSquare(8, ResizeMode.PadWhite);
        Assert.That((square.Width, square.Height, counted.Reads), Is.EqualTo((8, 8, 0)));
        Assert.That(square.Read(), Is.EqualTo(Pictures.Noise(20, 10, 1).ToSquare(8, ResizeMode.PadWhite)));
        Assert.That(square.ToSquare(8, ResizeMode.CropCentre), Is.SameAs(square));
    }

    [Test]
    public void ReadingAheadKeepsTheOrderAndHoldsAFew()
    {
        int started = 0, used = 0, most = 0;
        var sizes = Enumerable.Range(1, 500).Select(i => new Counted(new RgbImage(i, 1, new byte[3 * i]), () =>
        {
            int held = Interlocked.Increment(ref started) - Volatile.Read(ref used);
            for (int seen = Volatile.Read(ref most); held > seen; seen = Volatile.Read(ref most)) Interlocked.CompareExchange(ref most, held, seen);
        }));
        int expected = 1;
        foreach (RgbImage image in sizes.ReadAhead())
        {
            Assert.That(image.Width, Is.EqualTo(expected++));
            Interlocked.Increment(ref used);
        }
        Assert.That((expected, used), Is.EqualTo((501, 500)));
        Assert.That(most, Is.InRange(1, Environment.ProcessorCount));
    }

    [Test]
    public void TheFirstPictureThatCannotBeReadIsTheOneNamed()
    {
        var pictures = Enumerable.Range(0, 50).Select(i => new Counted(
            RgbImage.Filled(1, 1, 0, 0, 0), () => { if (i is 7 or 8 or 30) throw new DatasetException($"number {i}", "none"); }));
        for (int round = 0; round < 20; round++)
            Assert.That(() => pictures.ReadAhead().Count(), Throws.TypeOf<DatasetException>().With.Message.Contains("number 7"));
    }

    [Test]
    public void ASheetHasTheFirstPicturesThatItHasRoomFor()
    {
        Assert.That(ContactSheet.MostPixels, Is.EqualTo(ImageCodecs.MostPixels));
        var options = new ContactSheetOptions { Columns = 4 };
        Counted[] pictures = [.. Enumerable.Range(0, 20).Select(_ => new Counted(RgbImage.Filled(2048, 2048, 9, 9, 9)))];
        RgbImage sheet = ContactSheet.Compose(pictures, options);
        Assert.That((sheet.Width, sheet.Height), Is.EqualTo((2 + 4 * 2050, 2 + 3 * 2050)), "a fourth row would be over 8,192 x 8,192 pixels");
        Assert.That(pictures.Select(p => p.Reads), Is.EqualTo(Enumerable.Repeat(1, 12).Concat(Enumerable.Repeat(0, 8))));
        Assert.That(ContactSheet.Room(1024, 1024, new ContactSheetOptions { Columns = 100 }), Is.EqualTo(63), "of one row 63 x 1,026 pixels fit");
        Assert.That(ContactSheet.Room(9000, 9000, options), Is.EqualTo(1));
        Assert.That(ContactSheet.Room(1, 1, options with { Gap = 0, Columns = 1 }), Is.EqualTo(1 << 26));
    }

    [Test]
    public void ASheetOfAPackThatCouldNotBeReadIsRefused()
    {
        Counted[] pictures = [.. Enumerable.Range(0, 3000).Select(_ => new Counted(RgbImage.Filled(1, 1, 0, 0, 0), side: 512))];
        var set = new CaptionedDataset("large", pictures.Select((p, i) => new CaptionedImage($"{i:0000}", "x", p)));
        var origin = new SheetOrigin("made up", "nowhere", "MIT", "LICENCE.txt", "nobody");
        Assert.That(
            () => SpriteSheetPack.Write(Path.Combine(folder.Path, "pack"), 60, [("large", set, origin)]),
            Throws.TypeOf<DatasetException>().With.Message.Contains("786432000 pixels, the limit is 67108864"));
        Assert.That(pictures.Sum(p => p.Reads), Is.Zero);
    }

    private CaptionedDataset WriteSet(int count, Func<int, RgbImage> picture)
    {
        for (int i = 0; i < count; i++) folder.Write($"{i:00}.png", picture(i));
        folder.Write("captions.tsv", "id\tcaption\n" + string.Concat(Enumerable.Range(0, count).Select(i => $"{i:00}\tpicture {i}\n")));
        return CaptionedDataset.Load(folder.Path);
    }

    /// <summary>Counts how often it is read.</summary>
    private sealed class Counted(RgbImage image, Action? before = null, int? side = null) : IPicture
    {
        private int reads;

        public int Reads => reads;

        public int Width => side ?? image.Width;

        public int Height => side ?? image.Height;

        public RgbImage Read()
        {
            Interlocked.Increment(ref reads);
            before?.Invoke();
            return image;
        }
    }
}
