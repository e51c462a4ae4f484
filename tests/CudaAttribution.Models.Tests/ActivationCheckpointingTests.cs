using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Ops;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Blocks that are computed again in backward: the bits of keeping everything, in less memory.</summary>
public class ActivationCheckpointingTests : DeviceFixture
{
    private static readonly TrainOptions Options = new()
    {
        Steps = 4, BatchSize = 4, LearningRate = 1e-3, EmaDecay = 0.9, Seed = 5, GradientAccumulation = 2,
    };

    /// <summary>Also the gradients with respect to the inputs, which flow out of the checkpointed blocks.</summary>
    [TestCase("nano")]
    [TestCase("demo")]
    public void GradientsHaveTheSameBits(string preset)
    {
        var plain = Gradients(preset, checkpointing: false);
        var again = Gradients(preset, checkpointing: true);
        Assert.That(again.Loss, Is.EqualTo(plain.Loss));
        Assert.That(again.Gradients, Is.EqualTo(plain.Gradients).And.Some.Not.Zero);
        Assert.That(again.Text, Is.EqualTo(plain.Text).And.Some.Not.Zero);
        TestContext.Out.WriteLine($"peak {plain.Peak:N0} to {again.Peak:N0} bytes");
        Assert.That(again.Peak, Is.LessThan(0.6 * plain.Peak));
    }

    [Test]
    public void TrainedWeightsHaveTheSameBits([Values(ModelUse.TrainAll, ModelUse.TrainUNet)] ModelUse use)
    {
        var plain = Train(use, Options);
        var again = Train(use, Options with { ActivationCheckpointing = true });
        Assert.That(again.Losses, Is.EqualTo(plain.Losses));
        Assert.That(again.Hash, Is.EqualTo(plain.Hash));
    }

    [Test]
    public void ARunMayGoOnWithOrWithoutIt()
    {
        var whole = Train(ModelUse.TrainUNet, Options);
        Train(ModelUse.TrainUNet, Options with { Steps = 2, CheckpointFolder = Folder["c"], CheckpointInterval = 2, ActivationCheckpointing = true });
        Assert.That(Train(ModelUse.TrainUNet, Options with { CheckpointFolder = Folder["c"], Resume = true }).Hash, Is.EqualTo(whole.Hash));
    }

    [Test]
    public void ABlockRunsTwiceAndOnlyWhereItHasAGradient()
    {
        using var arena = new Arena(Device);
        var x = arena.From([1f, -2, 3], new Shape(1, 3));
        foreach (bool graded in (bool[])[true, false])
        {
            using var tape = new Tape(Device, record: true) { Recomputes = true };
            (x.RequiresGrad, x.Grad) = (graded, null);
            int runs = 0;
            var y = tape.Recompute(() =>
            {
                runs++;
                return tape.Add(tape.Silu(x), tape.Silu(tape.Silu(x)));
            });
            Assert.That((runs, y.RequiresGrad, tape.Recording), Is.EqualTo((1, graded, true)));
            tape.Backward(y, tape.Arena.From([1f, 1, 1], y.Shape));
            Assert.That(runs, Is.EqualTo(graded ? 2 : 1));
            if (graded) Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(Plain(x)));
        }
    }

    [Test]
    public void AViewAsOutputIsRefusedAndTheTapeRecordsOn()
    {
        using var arena = new Arena(Device);
        var x = arena.From([1f, 2], new Shape(2));
        x.RequiresGrad = true;
        using var tape = new Tape(Device, record: true) { Recomputes = true };
        Assert.That(() => tape.Recompute(() => tape.Silu(x).View(1, 2)), Throws.InvalidOperationException.With.Message.Contains("view"));
        Assert.That(tape.Recording);
    }

    private float[] Plain(Tensor x)
    {
        x.Grad = null;
        using var tape = new Tape(Device, record: true);
        var y = tape.Add(tape.Silu(x), tape.Silu(tape.Silu(x)));
        tape.Backward(y, tape.Arena.From([1f, 1, 1], y.Shape));
        return x.Grad!.ToArray<float>();
    }

    private static (float Loss, float[] Gradients, float[] Text, long Peak) Gradients(string preset, bool checkpointing)
    {
        using var device = ComputeDevice.Open("cpu");
        using var model = DiffusionModel.Create(ModelPreset.Load(preset), Tiny.Captions, device, seed: 3);
        int side = model.UNet.Config.SampleSize, width = model.UNet.Config.CrossAttentionDim;
        using var arena = new Arena(device);
        var sample = arena.New(new Shape(2, side, side, 3));
        RandomNumbers.Normal(sample, 1, 1);
        var text = arena.New(new Shape(2, 20, width));
        RandomNumbers.Normal(text, 1, 2);
        text.RequiresGrad = true;
        text.Grad = arena.Zeros(text.Shape);
        long before = device.Pool.InUse;
        using var tape = new Tape(device, record: true) { Recomputes = checkpointing };
        model.Trained.ZeroGrad();
        var timesteps = tape.Arena.From([10, 700], new Shape(2));
        var loss = tape.Mse(model.UNet.Forward(tape, sample, timesteps, text), tape.Arena.Zeros(sample.Shape));
        tape.Backward(loss);
        return (loss.ToArray<float>()[0], model.Trained.Gradients.ToArray<float>(), text.Grad.ToArray<float>(), device.Pool.Peak - before);
    }

    private (IReadOnlyList<float> Losses, string Hash) Train(ModelUse use, TrainOptions options)
    {
        using var model = Tiny.Model(Device, use);
        using var trainer = Tiny.Training(model, options);
        return (trainer.Run().Losses, model.WeightsHash());
    }
}
