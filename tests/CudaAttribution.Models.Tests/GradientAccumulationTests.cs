using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>A step in micro-batches is the step in one piece: the same draws, the same gradient to rounding, less memory.</summary>
public class GradientAccumulationTests : DeviceFixture
{
    private static readonly TrainOptions Options = new()
    {
        Steps = 6, BatchSize = 6, LearningRate = 1e-3, EmaDecay = 0.9, Seed = 5, ReportInterval = 4,
    };

    [Test]
    public void GradientsAndLossAreThoseOfTheWholeBatch([Values(ModelUse.TrainAll, ModelUse.TrainUNet)] ModelUse use, [Values(2, 3, 6)] int parts)
    {
        using var model = Tiny.Model(Device, use);
        var (whole, wholeLoss) = Gradients(model, Tiny.Data(), Options);
        var (summed, losses) = Gradients(model, Tiny.Data(), Options with { GradientAccumulation = parts });
        Assert.That(losses, Has.Length.EqualTo(parts));
        Assert.That(losses.Average(), Is.EqualTo(wholeLoss[0]).Within(1e-6));
        Assert.That(Nmse.Of(summed, whole), Is.LessThan(1e-12));
        Assert.That(summed, Is.Not.EqualTo(whole), "the order of the sums differs, or nothing was split");
    }

    [Test]
    public void LatentsAreDrawnAsForTheWholeBatch()
    {
        using var model = Tiny.LatentModel(Device);
        var data = Tiny.Data(side: 16);
        var (whole, _) = Gradients(model, data, Options);
        var (summed, _) = Gradients(model, data, Options with { GradientAccumulation = 3 });
        Assert.That(Nmse.Of(summed, whole), Is.LessThan(1e-12));
    }

    [Test]
    public void StoppedAndResumedIsNeverStopped()
    {
        var options = Options with { GradientAccumulation = 3 };
        var whole = Train(options);
        Train(options with { Steps = 3, CheckpointFolder = Folder["c"], CheckpointInterval = 3 });
        var resumed = Train(options with { CheckpointFolder = Folder["c"], Resume = true });
        Assert.That(resumed.Result.FirstStep, Is.EqualTo(3));
        Assert.That(resumed.Result.Losses, Is.EqualTo(whole.Result.Losses));
        Assert.That(resumed.Hash, Is.EqualTo(whole.Hash));
    }

    [Test]
    public void TheLoggedLossIsTheMeanOverTheMicroBatches()
    {
        var whole = Train(Options).Result.Losses;
        var parts = Train(Options with { GradientAccumulation = 6 }).Result.Losses;
        Assert.That(parts[0], Is.EqualTo(whole[0]).Within(1e-6));
        Assert.That(parts, Has.Count.EqualTo(whole.Count));
    }

    [Test]
    public void AStepTakesLessMemory()
    {
        Assert.That(Peak(Options with { GradientAccumulation = 6 }), Is.LessThan(Peak(Options) / 2));

        static long Peak(TrainOptions options)
        {
            using var device = ComputeDevice.Open("cpu");
            using var model = Tiny.Model(device);
            using var trainer = Tiny.Training(model, options with { Steps = 1 });
            long before = device.Pool.InUse;
            trainer.Run();
            return device.Pool.Peak - before;
        }
    }

    private static (float[] Gradients, float[] Losses) Gradients(DiffusionModel model, TrainingSet data, TrainOptions options)
    {
        using var state = new TrainingState(Tiny.Step(model, options, data), options);
        using var arena = new Arena(model.Device);
        var losses = arena.New(new Shape(options.GradientAccumulation));
        state.Upload(3);
        state.Differentiate(3, losses);
        return (model.Trained.Gradients.ToArray<float>(), losses.ToArray<float>());
    }

    private (TrainResult Result, string Hash) Train(TrainOptions options)
    {
        using var model = Tiny.Model(Device);
        using var trainer = Tiny.Training(model, options);
        return (trainer.Run(), model.WeightsHash());
    }
}
