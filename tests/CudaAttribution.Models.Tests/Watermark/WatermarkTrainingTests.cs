using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Runs;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Watermark;

/// <summary>The training of a watermark: that it learns, that a stop changes no bit, that its plan is what it takes, and what it refuses.</summary>
public class WatermarkTrainingTests : DeviceFixture
{
    [Test]
    public void BitsAreLearnt()
    {
        using var model = SmallWatermark.Model(Device);
        var objective = new WatermarkObjective { CurriculumSteps = 1000 };
        using var training = new TrainingLoop(new WatermarkTask(model, SmallWatermark.Data, objective), SmallWatermark.Options(200) with { ReportInterval = 50 });
        var result = training.Run();
        Assert.That(result.Losses.Take(10).Average(), Is.EqualTo(0.7).Within(0.05), "bits are guessed at first");
        Assert.That(result.Losses.TakeLast(20).Average(), Is.LessThan(0.63));
    }

    [Test]
    public void StoppedAndResumedIsNeverStopped([Values] bool autoencoder)
    {
        string whole = Run(Folder["whole"], stopAfter: null);
        Assert.That(() => Run(Folder["stopped"], stopAfter: 3), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Run(Folder["stopped"], stopAfter: null), Is.EqualTo(whole));

        string Run(string folder, int? stopAfter)
        {
            using var through = autoencoder ? Tiny.LatentModel(Device, ModelUse.Sampling) : null;
            using var model = SmallWatermark.Model(Device);
            var task = new WatermarkTask(model, SmallWatermark.Data, new WatermarkObjective { CurriculumSteps = 4 }, through);
            using var training = new TrainingLoop(task, SmallWatermark.Options(6, folder));
            using var cancel = new CancellationTokenSource();
            training.Run(p => { if (p.Step == stopAfter) cancel.Cancel(); }, cancel.Token);
            return model.WeightsHash();
        }
    }

    [Test]
    public void ThePlanIsWhatTheRunReserves([Values(1, 3)] int accumulation)
    {
        using var model = SmallWatermark.Model(Device);
        using var training = new TrainingLoop(
            new WatermarkTask(model, SmallWatermark.Data), SmallWatermark.Options(2) with { GradientAccumulation = accumulation });
        var result = training.Run();
        Assert.That(Device.Pool.PeakReserved, Is.EqualTo(result.Memory.Total), result.Memory.ToString());
    }

    /// <summary>Only the rounding of the mean over the batch differs: noise and messages are those of the batch in one piece.</summary>
    [Test]
    public void AccumulationChangesNoDraw()
    {
        float[] Losses(int accumulation, bool checkpointing)
        {
            using var model = SmallWatermark.Model(Device);
            using var training = new TrainingLoop(
                new WatermarkTask(model, SmallWatermark.Data),
                SmallWatermark.Options(3) with { GradientAccumulation = accumulation, ActivationCheckpointing = checkpointing });
            return [.. training.Run().Losses];
        }
        float[] whole = Losses(1, checkpointing: false);
        Assert.That(Losses(4, checkpointing: false), Is.EqualTo(whole).Within(1e-5f));
        Assert.That(Losses(1, checkpointing: true), Is.EqualTo(whole), "blocks that are computed again give the same bits");
    }

    [Test]
    public void AnotherRunsCheckpointIsRefused()
    {
        Train(new WatermarkObjective());
        Assert.That(() => Train(new WatermarkObjective { NoiseDeviation = 0.5 }), Throws.TypeOf<ModelFileException>().With.Message.Contains("noise_deviation"));

        void Train(WatermarkObjective objective)
        {
            using var model = SmallWatermark.Model(Device);
            using var training = new TrainingLoop(new WatermarkTask(model, SmallWatermark.Data, objective), SmallWatermark.Options(2, Folder["c"]));
            training.Run();
        }
    }

    [Test]
    public void WhatDoesNotFitIsRefused()
    {
        using var model = SmallWatermark.Model(Device);
        Assert.That(() => new WatermarkTask(model, Tiny.Data(side: 8)), Throws.ArgumentException.With.Message.Contains("16x16"));
        using var pixels = Tiny.Model(Device, ModelUse.Sampling);
        Assert.That(() => new WatermarkTask(model, SmallWatermark.Data, through: pixels), Throws.ArgumentException.With.Message.Contains("no autoencoder"));
        Assert.That(
            () => new WatermarkTask(model, SmallWatermark.Data, new WatermarkObjective { HighestQuality = 101 }),
            Throws.TypeOf<UserException>().With.Message.Contains("HighestQuality is 101"));
        var task = new WatermarkTask(model, SmallWatermark.Data);
        Assert.That(
            () => new TrainingLoop(task, SmallWatermark.Options(2) with { BatchSize = 4 }),
            Throws.TypeOf<UserException>().With.Message.Contains("5 kinds of noise"));
        model.Save(Folder["m"]);
        using var loaded = WatermarkModel.Load(Folder["m"], Device);
        Assert.That(() => new WatermarkTask(loaded, SmallWatermark.Data), Throws.ArgumentException.With.Message.Contains("mark and read"));
    }

    [TestCase(0, 32.0 / 255, 0)]
    [TestCase(500, 20.0 / 255, 0.5)]
    [TestCase(1000, 8.0 / 255, 1)]
    [TestCase(5000, 8.0 / 255, 1)]
    public void TheCurriculumComesDown(int step, double amplitude, double progress)
    {
        var objective = new WatermarkObjective { CurriculumSteps = 1000 };
        Assert.That(objective.Amplitude(step, 8.0 / 255), Is.EqualTo(amplitude).Within(1e-12));
        Assert.That(objective.Progress(step), Is.EqualTo(progress));
    }
}
