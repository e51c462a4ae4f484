using CudaAttribution.Images;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Watermark;

/// <summary>A watermark model's folder, pictures and messages.</summary>
public class WatermarkModelTests : DeviceFixture
{
    private static readonly RgbImage[] Pictures = [.. Enumerable.Range(0, 7).Select(i => new RgbImage(16, 16, SmallWatermark.Data.Picture(i)))];

    [TestCase(DType.F32)]
    [TestCase(DType.F16)]
    public void SavedAndLoadedReadsTheSame(DType type)
    {
        using var model = SmallWatermark.Model(Device);
        model.Save(Folder["m"], type);
        using var loaded = WatermarkModel.Load(Folder["m"], Device);
        Assert.That(loaded.WeightsHash() == model.WeightsHash(), Is.EqualTo(type == DType.F32));
        Assert.That(loaded.Config with { DecoderWidths = [] }, Is.EqualTo(model.Config with { DecoderWidths = [] }));
        Assert.That(loaded.Config.DecoderWidths, Is.EqualTo(model.Config.DecoderWidths));
        if (type == DType.F32) Assert.That(loaded.Read(Pictures), Is.EqualTo(model.Read(Pictures)));
    }

    [Test]
    public void AMarkChangesNoPixelByMoreThanTheAmplitude()
    {
        using var model = SmallWatermark.Model(Device);
        RgbImage[] marked = [.. model.Mark(Pictures, Pictures.Select((_, i) => WatermarkMessage.Draw(9, (ulong)i)))];
        int[] changes = [.. Pictures.Zip(marked).SelectMany(p => p.First.Pixels.Zip(p.Second.Pixels, (a, b) => int.Abs(a - b)))];
        Assert.That(changes.Max(), Is.InRange(1, 8));
        RgbImage alone = model.Mark([Pictures[4]], [WatermarkMessage.Draw(9, 4)]).Single();
        Assert.That(alone, Is.EqualTo(marked[4]), "a picture alone is the one in a batch");
        RgbImage other = model.Mark([Pictures[4]], [WatermarkMessage.Draw(9, 5)]).Single();
        Assert.That(other, Is.Not.EqualTo(marked[4]), "the message matters");
    }

    [Test]
    public void WrongFoldersAndSizesAreNamed()
    {
        Assert.That(() => WatermarkModel.Load(Folder["none"], Device), Throws.TypeOf<ModelFileException>().With.Message.Contains("does not exist"));
        using var model = SmallWatermark.Model(Device);
        model.Save(Folder["m"]);
        Assert.That(() => model.Mark([new RgbImage(8, 8, new byte[192])], [default]).ToArray(), Throws.ArgumentException.With.Message.Contains("16x16"));
        Refused("\"format\": \"cudattr-watermark\"", "\"format\": \"other\"", "is not a watermark's");
        Refused("\"version\": 1", "\"version\": 2", "'version'");
        Refused("\"size\": 16", "\"size\": 24", "multiple of 16");
        Refused("\"groups\": 4", "\"groups\": 3", "multiple of groups");
        Refused("\"encoder_width\": 8", "\"encoder_width\": 12", "misshapen");
        Refused("\"groups\"", "\"sorts\"", "'sorts' is not known");
        Assert.That(
            (SmallWatermark.Config with { DecoderWidths = [8, 8, 8, 8, 8] }).Problem(), Does.Contain("at most 4"), "16 pixels can be halved four times");

        void Refused(string before, string after, string message)
        {
            string path = Folder["m", "config.json"], text = File.ReadAllText(path);
            Assert.That(text, Does.Contain(before));
            File.WriteAllText(path, text.Replace(before, after, StringComparison.Ordinal));
            Assert.That(() => WatermarkModel.Load(Folder["m"], Device), Throws.TypeOf<ModelFileException>().With.Message.Contains(message));
            File.WriteAllText(path, text);
        }
    }

    [Test]
    public void MessagesAreEightDigits()
    {
        var message = WatermarkMessage.Parse("80000003");
        var bits = new float[32];
        message.Write(bits);
        Assert.That(bits.Index().Where(b => b.Item == 1).Select(b => b.Index), Is.EqualTo(new[] { 0, 30, 31 }), "the first bit first");
        Assert.That(WatermarkMessage.FromLogits([.. bits.Select(b => b - 0.5f)]), Is.EqualTo(message));
        Assert.That(message.ToString(), Is.EqualTo("80000003"));
        Assert.That(message.Matches(WatermarkMessage.Parse("00000001")), Is.EqualTo(30));
        foreach (string wrong in new[] { "", "123", "5f3a91c4a", "5f3a91cg", " 5f3a91c" })
            Assert.That(() => WatermarkMessage.Parse(wrong), Throws.TypeOf<UserException>().With.Message.Contains("8 hexadecimal digits"), wrong);
        Assert.That(Enumerable.Range(0, 50).Select(i => WatermarkMessage.Draw(1, (ulong)i)).Distinct().Count(), Is.EqualTo(50));
    }
}
