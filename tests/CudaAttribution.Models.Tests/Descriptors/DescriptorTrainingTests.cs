using CudaAttribution.Images;
using CudaAttribution.Models.Descriptors;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Descriptors;

/// <summary>Training of a descriptor: that it learns, that stopping changes nothing, and how it is judged.</summary>
public class DescriptorTrainingTests : DeviceFixture
{
    private static readonly SscdConfig Config = SscdConfig.Small with { Width = 4, Dimensions = 8, ImageSize = 8, Blocks = [1, 1, 1, 1] };

    private static readonly TrainOptions Options = new() { Steps = 6, BatchSize = 4, LearningRate = 2e-3, EmaDecay = 0.9, Seed = 5, ReportInterval = 3 };

    private static RgbImage[] Pictures => [.. Enumerable.Range(0, 8).Select(i => SscdModelTests.Picture(i, 10, 10))];

    private static TrainingSet Data => new([.. Pictures], [.. Enumerable.Range(0, 8).Select(i => $"{i}")]);

    /// <summary>Noise of up to 32 levels.</summary>
    private sealed class Noise : IAugmentation
    {
        public string Description => "noise";

        public RgbImage Apply(RgbImage picture, Func<float> draw) => new(
            picture.Width, picture.Height, [.. picture.Pixels.Select(p => (byte)Math.Clamp(p + (int)(64 * draw()) - 32, 0, 255))]);
    }

    [Test]
    public void CopiesComeNearAndOthersGoFar()
    {
        using var model = SscdModel.Create(Config, Device, 3);
        JudgedPicture[] judged = [.. Pictures.Select((p, i) => new JudgedPicture($"{i / 2}", p))];
        var before = DescriptorEvaluation.Of(model, judged, new Noise(), 1);
        Train(model, Options with { Steps = 150, BatchSize = 8, EmaDecay = 0 });
        var after = DescriptorEvaluation.Of(model, judged, new Noise(), 1);
        TestContext.Out.WriteLine($"{before}\n{after}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(after.NearestNegativeCosine, Is.LessThan(before.NearestNegativeCosine - 0.1));
            Assert.That((after.Auc, after.Pictures, after.Redrawn), Is.EqualTo((1.0, 8, 4)));
        }
    }

    [Test]
    public void StoppedAndResumedIsNeverStopped()
    {
        string whole = Trained(Options);
        Trained(Options with { Steps = 3, CheckpointFolder = Folder["c"], CheckpointInterval = 3 });
        var going = Options with { CheckpointFolder = Folder["c"], Resume = true };
        Assert.That(Trained(going), Is.EqualTo(whole));
        Assert.That(Trained(Options with { Seed = 6 }), Is.Not.EqualTo(whole));
    }

    [Test]
    public void ACheckpointOfAnotherLossIsRefused()
    {
        Trained(Options with { Steps = 3, CheckpointFolder = Folder["c"], CheckpointInterval = 3 });
        using var model = SscdModel.Create(Config, Device, 3);
        using var other = new TrainingLoop(
            new DescriptorTask(model, Data, new Noise(), new DescriptorObjective { Spread = 1 }), Options with { CheckpointFolder = Folder["c"], Resume = true });
        Assert.That(() => other.Run(), Throws.Exception.With.Message.Contains("spread"));
    }

    [Test]
    public void TheMemoryPlanIsWhatTheRunTakes()
    {
        using var model = SscdModel.Create(Config, Device, 3);
        using var training = new TrainingLoop(new DescriptorTask(model, Data, new Noise()), Options);
        Device.Pool.ResetPeaks();
        training.Run();
        Assert.That(Device.Pool.PeakReserved, Is.EqualTo(training.Memory.Total));
    }

    [Test]
    public void ImpossibleSettingsAreRefused()
    {
        using var model = SscdModel.Create(Config, Device, 3);
        Assert.That(() => new DescriptorTask(model, Data, new Noise(), new DescriptorObjective { Temperature = 0 }), Throws.TypeOf<UserException>());
        Assert.That(() => new DescriptorTask(model, Data, new Noise(), new DescriptorObjective { Spread = -1 }), Throws.TypeOf<UserException>());
        Assert.That(() => new DescriptorTask(model, new TrainingSet([Pictures[0]], ["a"]), new Noise()), Throws.ArgumentException);
        Assert.That(() => SscdModel.Create(Config with { Dimensions = 0 }, Device, 1), Throws.ArgumentException.With.Message.Contains("dimensions"));
        JudgedPicture[] alone = [new("a", Pictures[0]), new("b", Pictures[1])];
        Assert.That(() => DescriptorEvaluation.Of(model, alone, new Noise(), 1), Throws.ArgumentException.With.Message.Contains("caption"));
    }

    // By counting; in the last, of 6 pairs 3 are won and 2 tie.
    [TestCase(new[] { 0.9, 0.9 }, new[] { 0.1, 0.2, 0.3 }, 1.0)]
    [TestCase(new[] { 0.1 }, new[] { 0.5, 0.6 }, 0.0)]
    [TestCase(new[] { 0.5, 0.7 }, new[] { 0.5, 0.5, 0.6 }, 4.0 / 6)]
    public void TheAreaUnderTheCurveCountsTiesHalf(double[] positives, double[] negatives, double expected) =>
        Assert.That(DescriptorEvaluation.AreaUnderCurve(positives, negatives), Is.EqualTo(expected).Within(1e-12));

    private static void Train(SscdModel model, TrainOptions options)
    {
        using var training = new TrainingLoop(new DescriptorTask(model, Data, new Noise()), options);
        training.Run();
    }

    private string Trained(TrainOptions options)
    {
        using var model = SscdModel.Create(Config, Device, 3);
        Train(model, options);
        return model.Identity();
    }
}
