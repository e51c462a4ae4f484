using System.Diagnostics;
using System.Runtime.InteropServices;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Latents and text embeddings that are kept for a run which is taken up again.</summary>
public class EncodedStoreTests : DeviceFixture
{
    private static readonly TrainOptions Options = new() { Steps = 3, BatchSize = 3, LearningRate = 1e-3, Seed = 5 };

    [Test]
    public void ATakenUpRunEncodesNothingAndGivesTheSameBits()
    {
        string whole = Train(Options, out var all);
        Assert.That(all, Is.Positive);
        var kept = Options with { CheckpointFolder = Folder["c"] };
        Assert.That(Train(kept, out var first), Is.EqualTo(whole));
        Assert.That(first, Is.EqualTo(all));
        Assert.That(Directory.GetFiles(Folder["c"]).Select(f => Path.GetFileName(f)[..8]).Order(), Is.EqualTo(new[] { "captions", "pictures" }));
        Assert.That(Train(kept, out var again), Is.EqualTo(whole));
        Assert.That(again, Is.Zero);
    }

    /// <summary>A kill leaves a part of an item; a disk may change a byte. What comes before is used, the rest is encoded again.</summary>
    [TestCase(true)]
    [TestCase(false)]
    public void WhatIsTornOrChangedIsEncodedAgain(bool torn)
    {
        var kept = Options with { CheckpointFolder = Folder["c"] };
        string whole = Train(kept, out var all);
        foreach (string path in Directory.GetFiles(Folder["c"]))
        {
            using var file = File.OpenWrite(path);
            if (torn) file.SetLength(file.Length / 2 + 3);
            else
            {
                file.Position = file.Length / 2;
                file.WriteByte(0x55);
            }
        }
        Assert.That(Train(kept, out var some), Is.EqualTo(whole));
        Assert.That(some, Is.InRange(1, all - 1));
        Assert.That(Train(kept, out var none), Is.EqualTo(whole));
        Assert.That(none, Is.Zero);
    }

    [Test]
    public void OtherPicturesCaptionsOrWeightsAreEncoded()
    {
        var kept = Options with { CheckpointFolder = Folder["c"] };
        Train(kept, out var all);
        Train(kept, out var pictures, Tiny.Data(6, 16));
        Train(kept, out var weights, seed: 8);
        // A launch for each picture and one for all captions.
        Assert.That((all, pictures, weights), Is.EqualTo((8, 7, 8)));
    }

    [Test]
    public void AFileThatAnotherRunHasOpenIsNamed()
    {
        Directory.CreateDirectory(Folder["c"]);
        using var open = EncodedStore.Open(Folder["c"], "pictures", "key", 12);
        Assert.That(
            () => EncodedStore.Open(Folder["c"], "pictures", "key", 12),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("pictures-").And.Message.Contains(Folder["c"]));
    }

    [Test]
    public void WhatChangesDuringTheRunIsNamed()
    {
        Directory.CreateDirectory(Folder["c"]);
        using var arena = new Arena(Device);
        using var store = EncodedStore.Open(Folder["c"], "pictures", "key", 3 * sizeof(float));
        for (int i = 0; i < 5; i++) store.Append(arena.From([i, i + 0.5f, -i], new Shape(1, 3)));
        float[] values = new float[3];
        store.Read(3, MemoryMarshal.AsBytes(values.AsSpan()));
        Assert.That(values, Is.EqualTo(new[] { 3, 3.5f, -3 }));
        string path = Directory.GetFiles(Folder["c"]).Single();
        // Another program: .NET's lock, which binds .NET alone, keeps this one out.
        using (var dd = Process.Start("dd", ["if=/dev/zero", $"of={path}", "bs=1", $"seek={3 * (12 + 32) + 2}", "count=1", "conv=notrunc", "status=none"]))
        {
            dd.WaitForExit();
            Assert.That(dd.ExitCode, Is.Zero);
        }
        Assert.That(() => store.Read(3, new byte[12]), Changed(3));
        Assert.That(() => store.Read(2, new byte[12]), Throws.Nothing);
        Assert.That(() => store.Read(5, new byte[12]), Changed(5), "beyond the end");

        NUnit.Framework.Constraints.IResolveConstraint Changed(int item) =>
            Throws.TypeOf<ModelFileException>().With.Message.Contains(path).And.Message.Contains($"item {item} is not what was stored");
    }

    /// <summary>Items lie beyond what 32 bits can address.</summary>
    [Test]
    [Category("Slow")]
    public void AStoreMayBeOverTwoGigabytes()
    {
        const int Values = 1 << 22, Items = 130;
        Directory.CreateDirectory(Folder["c"]);
        using (var store = EncodedStore.Open(Folder["c"], "pictures", "key", Values * sizeof(float)))
        {
            using var arena = new Arena(Device);
            var item = arena.New(new Shape(1, Values));
            for (int i = 0; i < Items; i++)
            {
                item.CopyFrom<float>(Enumerable.Repeat((float)i, Values).ToArray());
                store.Append(item);
            }
        }
        using var again = EncodedStore.Open(Folder["c"], "pictures", "key", Values * sizeof(float));
        Assert.That(again.Count, Is.EqualTo(Items));
        byte[] last = new byte[Values * sizeof(float)];
        again.Read(Items - 1, last);
        Assert.That(MemoryMarshal.Cast<byte, float>(last).ToArray(), Has.All.EqualTo(Items - 1f));
    }

    /// <summary>Trains, and says how many launches preparing took: none where nothing is encoded.</summary>
    private string Train(TrainOptions options, out long encoded, TrainingSet? data = null, ulong seed = 7)
    {
        using var model = Tiny.LatentModel(Device, seed: seed);
        data ??= Tiny.Data(side: 16);
        if (options.CheckpointFolder is { } folder) Directory.CreateDirectory(folder);
        Device.Profile = new LaunchProfile();
        using (Tiny.Step(model, options, data))
        {
            encoded = Device.Profile.Kernels.Where(k => k.Kernel is "from_pixels_f32" or "embedding_fwd_f32").Sum(k => k.Launches);
        }
        Device.Profile = null;
        using var trainer = Tiny.Training(model, options, data);
        trainer.Run();
        return model.WeightsHash();
    }
}
