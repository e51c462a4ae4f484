using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Training;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Training with products and convolutions in BF16, on emulated tensor cores: near F32, with F32 weights, and resumed to the bit.</summary>
public sealed class Bf16TrainingTests
{
    private static readonly TrainOptions Options = new()
    {
        Steps = 4, BatchSize = 4, LearningRate = 1e-3, WarmupSteps = 0, EmaDecay = 0, Seed = 5, ReportInterval = 2,
    };

    private ComputeDevice _device = null!;
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => (_device, _folder) = (ComputeDevice.Open("simt", "bf16"), new TemporaryFolder());

    [TearDown]
    public void TearDown()
    {
        Assert.That(_device.Pool.InUse, Is.Zero, "memory not returned");
        _device.Dispose();
        _folder.Dispose();
    }

    /// <summary>
    /// A product of rounded operands is off by 2⁻⁸ · √(2/3) = 0.3 % at random; some thirty layers one after another make that at most 1.7 % of
    /// a predicted value, and a loss averages thousands of them: 1 %. AdamW's first steps have the size of the learning rate whatever the size of a
    /// gradient, so of the weights the directions of change are compared.
    /// </summary>
    [Test]
    public void NanoStaysNearF32()
    {
        using var f32 = ComputeDevice.Open("cpu");
        var (expected, _, _, f32Change) = Nano(f32, Options);
        var (losses, start, end, change) = Nano(_device, Options);
        Assert.That(losses, Is.Not.EqualTo(expected), "products are rounded");
        for (int i = 0; i < losses.Length; i++) Assert.That(losses[i], Is.EqualTo(expected[i]).Within(1).Percent, $"step {i + 1}");
        double cosine = Dot(change, f32Change) / Math.Sqrt(Dot(change, change) * Dot(f32Change, f32Change));
        double bf16Weights = end.Where((w, i) => w != start[i]).Average(w => IsBf16(w) ? 1 : 0);
        TestContext.Out.WriteLine($"losses {string.Join(' ', losses)}, F32 {string.Join(' ', expected)}");
        TestContext.Out.WriteLine($"cosine {cosine:F4}, {bf16Weights:P3} of the weights are BF16 numbers");
        Assert.That(cosine, Is.GreaterThan(0.9));
        Assert.That(bf16Weights, Is.LessThan(0.001), "trained weights are F32 numbers");
    }

    /// <summary>Steps far below the distance of two BF16 numbers add up, which they could not if the weights were BF16.</summary>
    [Test]
    public void UpdatesBelowAStepOfBf16AreKept()
    {
        var (_, start, end, change) = Nano(_device, Options with { Steps = 1, LearningRate = 1e-7 });
        int[] large = [.. Enumerable.Range(0, start.Length).Where(i => Math.Abs(start[i]) > 0.01 && change[i] != 0)];
        Assert.That(large, Has.Length.GreaterThan(start.Length / 10));
        Assert.That(large.Count(i => Rounded(start[i]) == Rounded(end[i])), Is.GreaterThan(large.Length * 0.9));
    }

    [Test]
    public void StoppedAndResumedIsNeverStopped()
    {
        var saved = Options with { CheckpointFolder = _folder["c"], CheckpointInterval = 2 };
        string whole = Tiny(_device, Options);
        Tiny(_device, saved with { Steps = 2 });
        Assert.That(Tiny(_device, saved with { Resume = true }), Is.EqualTo(whole));
    }

    [Test]
    public void AnotherPrecisionMayNotResume()
    {
        var saved = Options with { CheckpointFolder = _folder["c"], CheckpointInterval = 2, Resume = true };
        Tiny(_device, saved with { Steps = 2 });
        using var f32 = ComputeDevice.Open("cpu");
        Assert.That(() => Tiny(f32, saved), Throws.TypeOf<ModelFileException>().With.Message.Contains("products was \"BF16\", is absent"));
    }

    private static (float[] Losses, float[] Start, float[] End, float[] Change) Nano(ComputeDevice device, TrainOptions options)
    {
        using var model = DiffusionModel.Create(ModelPreset.Load("nano"), Models.Tests.Tiny.Captions, device, 7, ModelUse.TrainAll);
        float[] start = model.Trained.Values.ToArray<float>();
        using var trainer = Models.Tests.Tiny.Training(model, options);
        float[] losses = [.. trainer.Run().Losses];
        float[] end = model.Trained.Values.ToArray<float>();
        return (losses, start, end, [.. end.Zip(start, (a, b) => a - b)]);
    }

    private static string Tiny(ComputeDevice device, TrainOptions options)
    {
        using var model = Models.Tests.Tiny.Model(device);
        using var trainer = Models.Tests.Tiny.Training(model, options);
        trainer.Run();
        return model.WeightsHash();
    }

    private static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();

    private static uint Rounded(float value) => (BitConverter.SingleToUInt32Bits(value) + 0x8000) >> 16;

    private static bool IsBf16(float value) => (BitConverter.SingleToUInt32Bits(value) & 0xffff) == 0;
}
