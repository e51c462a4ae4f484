using System.Diagnostics;
using CudaAttribution.Images;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.Training;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>The plan of a training run's memory, against what runs take and against what a limit allows.</summary>
public class MemoryPlanTests : DeviceFixture
{
    private static readonly TrainOptions Options = new()
    {
        Steps = 3, BatchSize = 4, LearningRate = 1e-3, Seed = 5, ReportInterval = 2,
    };

    /// <summary>Reserved memory to the byte, and the sum of the parts, in every way to train.</summary>
    [TestCase(ModelUse.TrainAll, false, 1, false, 0.9)]
    [TestCase(ModelUse.TrainUNet, false, 1, false, 0)]
    [TestCase(ModelUse.TrainUNet, false, 4, true, 0.9)]
    [TestCase(ModelUse.TrainUNet, true, 1, false, 0)]
    [TestCase(ModelUse.TrainUNet, true, 2, true, 0.9)]
    public void IsWhatTheRunReserves(ModelUse use, bool latents, int accumulation, bool checkpointing, double ema)
    {
        var options = Options with { GradientAccumulation = accumulation, ActivationCheckpointing = checkpointing, EmaDecay = ema };
        foreach (var (id, math) in ((string, string)[])[("cpu", "kernels"), ("simt", "kernels"), ("simt", "bf16")])
        {
            using var device = ComputeDevice.Open(id, math);
            using var model = latents ? Tiny.LatentModel(device, use) : Tiny.Model(device, use);
            using var trainer = Tiny.Training(model, options with { Steps = id == "cpu" ? 3 : 1 });
            var plan = trainer.Memory;
            Assert.That((plan.Weights, plan.Average == 0), Is.EqualTo((model.WeightBytes, ema == 0)));
            Assert.That(device.Pool.PeakReserved, Is.EqualTo(device.Pool.InUse), "planning takes no memory");
            var result = trainer.Run();
            Assert.That(device.Pool.PeakReserved, Is.EqualTo(plan.Total), plan.ToString());
            Assert.That(result.Memory, Is.EqualTo(plan));
            Assert.That(new[] { plan.Activations, plan.Workspace, plan.Preparation }, Has.All.Positive);
        }
    }

    /// <summary>oneDNN's own scratch is in no pool; what the pool holds is within a tenth.</summary>
    [Test]
    public void IsAnEstimateForOtherEngines()
    {
        using var device = ComputeDevice.Open("cpu", "onednn");
        using var model = Tiny.Model(device);
        using var trainer = Tiny.Training(model, Options);
        trainer.Run();
        Assert.That(device.Pool.PeakReserved, Is.EqualTo(trainer.Memory.Total).Within(10).Percent);
    }

    /// <summary>A step brings its own pictures and captions, so a set may have any number of them.</summary>
    [TestCase(ModelUse.TrainAll, false)]
    [TestCase(ModelUse.TrainUNet, false)]
    [TestCase(ModelUse.TrainUNet, true)]
    public void DoesNotGrowWithThePictures(ModelUse use, bool latents)
    {
        using var model = latents ? Tiny.LatentModel(Device, use) : Tiny.Model(Device, use);
        var picture = RgbImage.Filled(model.PictureSize, model.PictureSize, 1, 2, 3);
        MemoryPlan Plan(int count) => MemoryPlan.Of(
            Tiny.Task(model, new TrainingSet([.. Enumerable.Repeat(picture, count)], [.. Enumerable.Range(0, count).Select(i => $"{i}")])), Options);
        Assert.That(Plan(6400), Is.EqualTo(Plan(64)));
    }

    [Test]
    public void AccumulationAndCheckpointingTakeLess()
    {
        using var model = Tiny.Model(Device);
        long Activations(TrainOptions options) => MemoryPlan.Of(Tiny.Task(model), options).Activations;
        long whole = Activations(Options), parts = Activations(Options with { GradientAccumulation = 4 });
        long blocks = Activations(Options with { ActivationCheckpointing = true });
        Assert.That(parts, Is.LessThan(0.3 * whole));
        Assert.That(blocks, Is.LessThan(0.6 * whole));
    }

    [Test]
    public void WhatCannotFitIsRefusedWithTheNumbers()
    {
        using var model = Tiny.Model(Device);
        long total = MemoryPlan.Of(Tiny.Task(model), Options with { EmaDecay = 0.9 }).Total;
        using (var fits = Tiny.Training(model, Options with { EmaDecay = 0.9, MemoryLimit = total })) fits.Run();
        using var refused = Tiny.Training(model, Options with { EmaDecay = 0.9, MemoryLimit = total - 1 });
        Assert.That(
            () => refused.Run(),
            Throws.TypeOf<TrainingMemoryException>().With.Message.Contains("weights ").And.Message.Contains("optimiser ")
                .And.Message.Contains("the limit is").And.Message.Contains("a smaller batch").And.Message.Contains("gradient accumulation")
                .And.Message.Contains("activation checkpointing").And.Message.Contains("no running average"));
        using var least = Tiny.Training(
            model, Options with { MemoryLimit = 1000, BatchSize = 1, ActivationCheckpointing = true, Steps = 1 });
        Assert.That(
            () => least.Run(),
            Throws.TypeOf<TrainingMemoryException>().With.Message.Contains("a smaller model").And.Message.Not.Contains("accumulation"));
        Assert.That(
            () => Tiny.Training(model, Options with { MemoryLimit = 0 }), Throws.TypeOf<UserException>().With.Message.Contains("MemoryLimit"));
    }

    [Test]
    public void WhatTheDeviceHasFreeIsTheLimitWhereNoneIsGiven()
    {
        using var model = Tiny.Model(Device);
        var plan = MemoryPlan.Of(Tiny.Task(model), Options);
        Assert.That(() => plan.RequireRoom(Device, Options), Throws.Nothing);
        var large = plan with { Activations = Device.Driver.Info.MemoryBytes };
        Assert.That(
            () => large.RequireRoom(Device, Options),
            Throws.TypeOf<TrainingMemoryException>().With.Message.Contains("cpu has").And.Message.Contains("GB free"));
        Assert.That(() => large.RequireRoom(Device, Options with { MemoryLimit = long.MaxValue }), Throws.TypeOf<TrainingMemoryException>());
    }

    /// <summary>Stable Diffusion v1.5 at 512x512: known in a moment on any machine.</summary>
    [TestCase(false, 17e9, 18e9)]
    [TestCase(true, 15e9, 16e9)]
    public void TheFullUNetIsPlannedWithoutRunning(bool checkpointing, double least, double most)
    {
        var unet = new UNetConfig { SampleSize = 64, CrossAttentionDim = 768 };
        var vae = new AutoencoderKLConfig { BlockOutChannels = [128, 256, 512, 512], LayersPerBlock = 2, SampleSize = 512 };
        var text = new ClipTextConfig { HiddenSize = 768, IntermediateSize = 3072, NumAttentionHeads = 12 };
        using var device = ComputeDevice.Planning(Device);
        var index = new ModelIndex(unet, text, WordTokenizer.Train(Tiny.Captions, 77), Tiny.Preset.Scheduler, vae);
        using var model = DiffusionModel.Planned(index, device, ModelUse.TrainUNet);
        var watch = Stopwatch.StartNew();
        var plan = MemoryPlan.Of(new DiffusionTask(model, Tiny.Data(2, 512)), Options with { BatchSize = 1, ActivationCheckpointing = checkpointing });
        TestContext.Out.WriteLine($"{plan} [{watch.ElapsedMilliseconds} ms]");
        Assert.That(plan.Weights, Is.InRange(4e9, 4.5e9));
        Assert.That((double)plan.Total, Is.InRange(least, most));
    }
}
