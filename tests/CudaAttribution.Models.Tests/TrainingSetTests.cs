using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CudaAttribution.Images;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Training sets read their pictures by number: sets of any size, in the memory that was stated.</summary>
public class TrainingSetTests : DeviceFixture
{
    /// <summary>
    /// 2.36 GB of pixels, more than one array holds: hashed as documented and trained on. What is alive stays at what may be held, whatever the number
    /// of the pictures.
    /// </summary>
    [Test]
    public void ThreeThousandPicturesOf512AreATrainingSet()
    {
        const int Count = 3000, Side = 512, Bytes = 3 * Side * Side;
        long live = 0, before = GC.GetTotalMemory(forceFullCollection: true);
        int read = 0;
        var pictures = Enumerable.Range(0, Count).Select(i => new Made(Side, () =>
        {
            if (Interlocked.Increment(ref read) % 500 == 0) live = Math.Max(live, GC.GetTotalMemory(forceFullCollection: true) - before);
            return Pixels(i, Bytes);
        })).ToArray();
        string[] captions = [.. Enumerable.Range(0, Count).Select(i => $"picture {i}")];
        var data = new TrainingSet(pictures, captions);

        Assert.That(data.Hash(), Is.EqualTo(Hash()));
        Assert.That(read, Is.EqualTo(Count));
        long held = TrainingSet.MostHeld / Bytes;
        Assert.That(held, Is.EqualTo(341));
        using var model = DiffusionModel.Create(Large, Tiny.Captions, Device, seed: 1, ModelUse.TrainUNet);
        using var training = Tiny.Training(model, new TrainOptions { Steps = 2, BatchSize = 2, Seed = 3 }, data);
        Assert.That(training.Run().Losses, Has.All.GreaterThan(0).And.All.LessThan(10));
        Assert.That(read - Count, Is.InRange(3, 4), "a step reads its batch, but for what is held");
        TestContext.Out.WriteLine($"{live / 1048576} MiB alive at most of {Count * (long)Bytes / 1048576} MiB of pixels");
        Assert.That(live, Is.InRange(TrainingSet.MostHeld * 9 / 10, TrainingSet.MostHeld + (64 << 20)));

        string Hash()
        {
            using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (int value in (int[])[Count, Side, Side]) AppendNumber(value);
            foreach (string caption in captions)
            {
                AppendNumber(caption.Length);
                sha.AppendData(Encoding.ASCII.GetBytes(caption));
            }
            for (int i = 0; i < Count; i++) sha.AppendData(Pixels(i, Bytes));
            return Convert.ToHexStringLower(sha.GetHashAndReset());

            void AppendNumber(int value)
            {
                byte[] number = new byte[4];
                BinaryPrimitives.WriteInt32LittleEndian(number, value);
                sha.AppendData(number);
            }
        }
    }

    [TestCase(0, 0)]
    [TestCase(4 * 192, 4)]
    [TestCase(5 * 192 - 1, 4)]
    [TestCase(1 << 20, 7)]
    public void WhatFitsIsReadOnce(long most, int held)
    {
        int[] reads = new int[7];
        var data = new TrainingSet([.. Enumerable.Range(0, 7).Select(i => new Made(8, () => Pixels(i, 192, ref reads[i])))], Tiny.Captions, most);
        for (int round = 0; round < 3; round++)
            Assert.That(data.Read([6, 2, 2, 0, 1, 3, 4, 5]).Select(p => p[0]), Is.EqualTo(new[] { 6, 2, 2, 0, 1, 3, 4, 5 }));
        for (int i = 0; i < 7; i++)
        {
            int asked = i == 2 ? 6 : 3;
            // Two readers may meet before the first is done.
            Assert.That(reads[i], i < held ? Is.InRange(1, i == 2 ? 2 : 1) : Is.EqualTo(asked), $"picture {i}");
        }
    }

    [Test]
    public void TrainingGivesTheSameBitsWhateverIsHeld([Values] bool latent)
    {
        string Trained(long most)
        {
            using var model = latent ? Tiny.LatentModel(Device) : Tiny.Model(Device, ModelUse.TrainUNet);
            var data = Tiny.Data(7, model.PictureSize);
            var again = new TrainingSet(
                [.. Enumerable.Range(0, 7).Select(i => new Made(model.PictureSize, () => [.. data.Picture(i)]))], Tiny.Captions, most);
            using var training = Tiny.Training(model, new TrainOptions { Steps = 4, BatchSize = 3, LearningRate = 1e-3, Seed = 5 }, again);
            training.Run();
            return model.WeightsHash();
        }
        Assert.That(Trained(0), Is.EqualTo(Trained(TrainingSet.MostHeld)));
    }

    [Test]
    public void APictureThatIsGoneEndsTheRunByItsName()
    {
        int read = 0;
        var data = new TrainingSet(
            [.. Enumerable.Range(0, 7).Select(i => new Made(8, () => Interlocked.Increment(ref read) > 9 ? throw new UserException("it was changed", "none", $"{i}.png") : new byte[192]))],
            Tiny.Captions,
            mostHeld: 0);
        using var model = Tiny.Model(Device);
        using var training = Tiny.Training(model, new TrainOptions { Steps = 4, BatchSize = 1, Seed = 5 }, data);
        Assert.That(() => training.Run(), Throws.TypeOf<UserException>().With.Message.Contains(".png: it was changed"));
    }

    [Test]
    public void WhatDoesNotFitTogetherIsRefused()
    {
        var picture = RgbImage.Filled(8, 8, 1, 1, 1);
        Assert.That(() => new TrainingSet([], []), Throws.ArgumentException.With.Message.Contains("empty"));
        Assert.That(() => new TrainingSet([picture], ["x", "y"]), Throws.ArgumentException.With.Message.Contains("1 pictures and 2 captions"));
        Assert.That(
            () => new TrainingSet([picture, picture, RgbImage.Filled(8, 9, 1, 1, 1)], ["x", "y", "z"]),
            Throws.ArgumentException.With.Message.Contains("picture 2 has 9x8 pixels, the first one 8x8"));
    }

    [Test]
    public void ABatchOverTwoGibibytesIsRefused()
    {
        using var model = DiffusionModel.Create(Large, Tiny.Captions, Device, seed: 1, ModelUse.TrainUNet);
        var data = new TrainingSet([RgbImage.Filled(512, 512, 1, 1, 1)], ["x"]);
        var options = new TrainOptions { Steps = 1, BatchSize = 2731, GradientAccumulation = 2731, Seed = 3 };
        Assert.That(() => Tiny.Training(model, options, data), Throws.ArgumentException.With.Message.Contains("use a smaller batch"));
    }

    private static ModelPreset Large { get; } = ModelPreset.FromJson(
        """
        {
          "unet": { "sample_size": 512, "in_channels": 3, "out_channels": 3, "block_out_channels": [4, 4, 4, 4, 4, 16], "layers_per_block": 1,
            "down_block_types": ["DownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"],
            "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"],
            "attention_head_dim": 4, "cross_attention_dim": 16, "norm_num_groups": 4 },
          "text_encoder": { "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "hidden_act": "gelu" },
          "tokenizer": { "model_max_length": 6, "max_vocabulary": 64 },
          "scheduler": { "prediction_type": "v_prediction" }
        }
        """,
        "large",
        "large");

    private static byte[] Pixels(int picture, int bytes)
    {
        byte[] pixels = new byte[bytes];
        Array.Fill(pixels, (byte)picture);
        BinaryPrimitives.WriteInt32LittleEndian(pixels, picture);
        return pixels;
    }

    private static byte[] Pixels(int picture, int bytes, ref int reads)
    {
        Interlocked.Increment(ref reads);
        return Pixels(picture, bytes);
    }

    private sealed class Made(int side, Func<byte[]> pixels) : IPicture
    {
        public int Width => side;

        public int Height => side;

        public RgbImage Read() => new(side, side, pixels());
    }
}
