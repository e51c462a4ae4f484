using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Min-SNR-γ weighting against the sum of single samples, weighted in float64 by the formula of Hang et al. 2023.</summary>
public class MinSnrTests : DeviceFixture
{
    private static readonly int[] Timesteps = [0, 150, 420, 999];

    [Test]
    public void LossAndGradientAreTheWeightedMeanOverTheSamples(
        [Values(PredictionType.Epsilon, PredictionType.VPrediction)] PredictionType type, [Values(1.0, 5.0)] double gamma)
    {
        using var model = Tiny.Model(Device, ModelUse.TrainUNet);
        var config = model.Scheduler with { PredictionType = type };
        using var arena = new Arena(Device);
        var clean = Normal(arena, new Shape(4, 8, 8, 3), 1);
        var noise = Normal(arena, clean.Shape, 2);
        var text = Normal(arena, new Shape(4, 6, 16), 3);
        var timesteps = arena.From(Timesteps, new Shape(4));
        using var weighted = new ForwardProcess(Device, config, gamma, samples: 4);
        using var plain = new ForwardProcess(Device, config);
        var (loss, gradient) = Compute(weighted, 0, 4);
        Assert.That(() => Compute(weighted, 0, 3), Throws.ArgumentException.With.Message.Contains("3 samples"));
        double expected = 0;
        var sum = new float[gradient.Length];
        for (int i = 0; i < 4; i++)
        {
            var (single, part) = Compute(plain, i, 1);
            double weight = Weight(Timesteps[i], gamma, type) / 4;
            expected += weight * single;
            for (int j = 0; j < sum.Length; j++) sum[j] += (float)(weight * part[j]);
        }
        Assert.That(loss, Is.EqualTo(expected).Within(1e-6 * expected));
        Assert.That(Nmse.Of(gradient, sum), Is.LessThan(1e-11));

        (float Loss, float[] Gradient) Compute(ForwardProcess process, int first, int count)
        {
            using var tape = new Tape(Device, record: true);
            model.Trained.ZeroGrad();
            var mean = process.Loss(
                tape, model.UNet, clean.Rows(first, count), noise.Rows(first, count), timesteps.Rows(first, count), text.Rows(first, count));
            tape.Backward(mean);
            return (mean.ToArray<float>()[0], model.Trained.Gradients.ToArray<float>());
        }
    }

    [Test]
    public void WeightsAreThoseOfThePaper()
    {
        Assert.That(ForwardProcess.MinSnrWeight(0.01, 5, velocity: false), Is.EqualTo(1), "below γ the noise counts in full");
        Assert.That(ForwardProcess.MinSnrWeight(20, 5, velocity: false), Is.EqualTo(0.25));
        Assert.That(ForwardProcess.MinSnrWeight(4, 5, velocity: true), Is.EqualTo(0.8));
        Assert.That(ForwardProcess.MinSnrWeight(9, 5, velocity: true), Is.EqualTo(0.5));
    }

    [Test]
    public void StoppedAndResumedIsNeverStopped()
    {
        var options = new TrainOptions { Steps = 4, BatchSize = 4, LearningRate = 1e-3, Seed = 5, GradientAccumulation = 2 };
        string whole = Train(options);
        Train(options with { Steps = 2, CheckpointFolder = Folder["c"], CheckpointInterval = 2 });
        Assert.That(Train(options with { CheckpointFolder = Folder["c"], Resume = true }), Is.EqualTo(whole));
    }

    /// <summary>ᾱ of Stable Diffusion's schedule, by its definition.</summary>
    private static double Weight(int t, double gamma, PredictionType type)
    {
        double alphaBar = 1;
        for (int i = 0; i <= t; i++)
        {
            double root = Math.Sqrt(0.00085) + (Math.Sqrt(0.012) - Math.Sqrt(0.00085)) * i / 999;
            alphaBar *= 1 - root * root;
        }
        double snr = alphaBar / (1 - alphaBar);
        return Math.Min(snr, gamma) / (type == PredictionType.Epsilon ? snr : snr + 1);
    }

    private static Tensor Normal(Arena arena, Shape shape, ulong stream)
    {
        var x = arena.New(shape);
        RandomNumbers.Normal(x, 1, stream);
        return x;
    }

    private string Train(TrainOptions options)
    {
        using var model = Tiny.Model(Device, ModelUse.TrainUNet);
        using var trainer = Tiny.Training(model, options, objective: new DiffusionObjective { MinSnrGamma = 5 });
        trainer.Run();
        return model.WeightsHash();
    }
}
