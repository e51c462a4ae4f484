using CudaAttribution.Images;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Runs;
using CudaAttribution.Statistics;
using CudaAttribution.Watermark;

namespace CudaAttribution.Tests.Watermark;

public class WatermarkReadingTests
{
    private static readonly WatermarkMessage Owner = WatermarkMessage.Parse("0f0f0f0f");

    [Test]
    public void FiguresAreThoseOfTheBits()
    {
        // 32, 25, 24 and 0 matching bits.
        uint[] wrong = [0, 0x7f, 0xff, uint.MaxValue];
        WatermarkMessage[] read = [.. wrong.Select(w => new WatermarkMessage(Owner.Value ^ w))];
        var r = WatermarkReading.Of("model", Owner, ["a", "b", "c", "d"], read);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(r.Readings.Select(p => p.Matches), Is.EqualTo(new[] { 32, 25, 24, 0 }));
            Assert.That(r.Readings.Select(p => p.Marked), Is.EqualTo(new[] { true, true, false, false }));
            Assert.That(r.Readings.Select(p => p.Id), Is.EqualTo(new[] { "a", "b", "c", "d" }));
            Assert.That(r.Readings[1].Message, Is.EqualTo("0f0f0f70"));
            Assert.That((r.Marked, r.ConfB1, r.Pictures, r.Threshold), Is.EqualTo((2, 0.5, 4, 25)));
            Assert.That(r.BitAccuracy, Is.EqualTo(81.0 / 128));
            Assert.That(r.ChanceOfMarked, Is.EqualTo(1.0512007866e-3).Within(1e-12));
            Assert.That(r.BinomialP, Is.EqualTo(FairCoins.Tail(81, 128).Value));
            Assert.That(r.KeyP, Is.EqualTo(KeyRank.Of(Owner, read).Value));
            Assert.That(r.Interval, Is.EqualTo(ShareInterval.ClopperPearson(2, 4)));
            Assert.That(r.Ones[0], Is.EqualTo(0.25), "the first bit is read as 1 from the last picture only");
            Assert.That(r.Ones[31], Is.EqualTo(0.25), "the last bit as 0 from all but the first");
        }
        Assert.That(WatermarkReading.Of("model", Owner, ["a", "b", "c", "d"], read, threshold: 24).Marked, Is.EqualTo(3));
    }

    [Test]
    public void WhatCannotBeJudgedIsRefused()
    {
        Assert.That(() => WatermarkReading.Of("m", Owner, [], []), Throws.ArgumentException);
        Assert.That(() => WatermarkReading.Of("m", Owner, ["a", "b"], [Owner]), Throws.ArgumentException);
        Assert.That(() => WatermarkReading.Of("m", Owner, ["a"], [Owner], threshold: 33), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void PicturesAreFoundByName()
    {
        string none = TestFolder.New("none"), pictures = TestFolder.New("pictures");
        Assert.That(() => PicturesOf.Folder(none), Throws.TypeOf<UserException>().With.Message.Contains("no such folder"));
        Directory.CreateDirectory(Path.Combine(pictures, "deep"));
        Assert.That(() => PicturesOf.Folder(pictures), Throws.TypeOf<UserException>().With.Message.Contains("no picture"));
        var run = new RunFolder(pictures);
        foreach (string name in new[] { "b.png", "deep/a.PNG", "a.png", "notes.txt" })
            run.Write(name, Data.Codecs.ImageCodecs.EncodePng(new RgbImage(3, 2, new byte[18])));
        var found = PicturesOf.Folder(pictures);
        Assert.That(found.Select(p => p.Id), Is.EqualTo(new[] { "a.png", "b.png", "deep/a.PNG" }));
        Assert.That(found.Select(p => (p.Picture.Width, p.Picture.Height)), Is.All.EqualTo((3, 2)));
    }
}
