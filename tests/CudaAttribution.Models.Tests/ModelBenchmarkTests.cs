using CudaAttribution.Models.Benchmark;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Training;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Figures of the benchmark, for a model from files and for a UNet with random weights.</summary>
public class ModelBenchmarkTests : DeviceFixture
{
    private static readonly UNetPreset Small = new("tiny", Tiny.Preset.UNet, Tiny.Preset.Scheduler, 6);

    private static readonly BenchRepeats Repeats = new(Steps: 4, Warmup: 2);

    [Test]
    public void BothKindsOfStepAreTimed([Values] bool random)
    {
        if (!random)
        {
            using var saved = Tiny.LatentModel(Device);
            saved.Save(Folder["m"]);
        }
        BenchModel Open(ModelUse use) => random ? BenchModel.Random(Small, Device, use, seed: 3) : BenchModel.Load(Folder["m"], Device, use);
        using (var model = Open(ModelUse.TrainUNet))
        {
            float[] before = model.Trained.Values.ToArray<float>();
            var how = new TrainOptions { Steps = 1, BatchSize = 2, EmaDecay = 0.9, GradientAccumulation = 2 };
            var timing = ModelBenchmark.Training(model, how, Repeats);
            Check(timing);
            Assert.That(timing.Kernels.Single(k => k.Kernel == "adamw_step_f32").Launches, Is.EqualTo(1));
            Assert.That(timing.Kernels.Single(k => k.Kernel == "q_sample_f32").Launches, Is.EqualTo(2));
            Assert.That(timing.PeakBytes, Is.GreaterThan(5 * model.Trained.Values.Bytes), "weights, gradients, two moments, the average");
            Assert.That(model.Trained.Values.ToArray<float>(), Is.Not.EqualTo(before).And.All.Not.NaN);
        }
        using (var model = Open(ModelUse.Sampling))
        {
            var timing = ModelBenchmark.Sampling(model, 3, Repeats, guidance: 2);
            Check(timing);
            Assert.That(timing.Kernels.Single(k => k.Kernel == "timestep_embedding_f32").Launches, Is.EqualTo(1));
            Assert.That(timing.Kernels.Single(k => k.Kernel == "ddim_step_f32").Launches, Is.EqualTo(1));
        }

        static void Check(ModelTiming t)
        {
            Assert.That(t.Count, Is.EqualTo(4));
            Assert.That(new[] { 0, t.MinMs, t.MedianMs, t.P90Ms }, Is.Ordered.And.Some.Positive);
            Assert.That(t.ReplayProblem, Is.Null);
            Assert.That(new[] { 0, t.ReplayMinMs!.Value, t.ReplayMs!.Value }, Is.Ordered.And.Some.Positive);
            Assert.That(t.Launches, Is.EqualTo(t.Kernels.Sum(k => k.Launches)).And.GreaterThan(20));
            Assert.That(t.Kernels.Select(k => k.Ms), Is.Ordered.Descending);
            Assert.That(t.Shares.Sum(s => s.Value), Is.EqualTo(1).Within(1e-9));
        }
    }

    [Test]
    public void AnEngineThatCannotBeRecordedSaysSo()
    {
        using var device = ComputeDevice.Open("cpu", "onednn");
        using var model = BenchModel.Random(Small, device, ModelUse.Sampling, seed: 3);
        var timing = ModelBenchmark.Sampling(model, 1, Repeats, guidance: 1);
        Assert.That((timing.ReplayMs, timing.ReplayMinMs), Is.EqualTo(((double?)null, (double?)null)));
        Assert.That(timing.ReplayProblem, Does.Contain("onednn").And.Contain("cannot be recorded"));
        Assert.That(timing.MedianMs, Is.Positive);
    }

    [Test]
    public void RandomWeightsAreThoseOfANewModelAndOfTheirSeed()
    {
        using var whole = Tiny.Model(Device, ModelUse.TrainUNet, seed: 9);
        using var same = BenchModel.Random(Small, Device, ModelUse.TrainUNet, seed: 9);
        using var other = BenchModel.Random(Small, Device, ModelUse.TrainUNet, seed: 10);
        float[] expected = whole.Trained.Values.ToArray<float>();
        Assert.That(same.Trained.Values.ToArray<float>(), Is.EqualTo(expected));
        Assert.That(other.Trained.Values.ToArray<float>(), Is.Not.EqualTo(expected));
        Assert.That(same.ParameterCount, Is.EqualTo(whole.UNetParameterCount));
    }

    [Test]
    public void WhatCannotBeTimedIsRefused()
    {
        using var model = BenchModel.Random(Small, Device, ModelUse.Sampling, seed: 1);
        var how = new TrainOptions { Steps = 1, BatchSize = 2 };
        Assert.That(
            () => ModelBenchmark.Training(model, how, Repeats), Throws.InvalidOperationException.With.Message.Contains("opened for sampling"));
        Assert.That(() => ModelBenchmark.Sampling(model, 0, Repeats, 2), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => ModelBenchmark.Sampling(model, 1, new BenchRepeats(0, 1), 2), Throws.ArgumentException.With.Message.Contains("at least one"));
        Assert.That(() => ModelBenchmark.Sampling(model, 1, new BenchRepeats(1, -1), 2), Throws.ArgumentException.With.Message.Contains("-1"));
        Assert.That(
            () => BenchModel.Random(Small, Device, ModelUse.TrainAll, seed: 1), Throws.ArgumentException.With.Message.Contains("no text encoder"));
    }

    [Test]
    public void NamesAreStableDiffusionAndThePresets()
    {
        Assert.That(UNetPreset.Names, Is.EqualTo(new[] { "sd-v1.5", "sd-v2.1", "demo", "nano", "small" }));
        foreach (var (name, index) in new[] { ("sd-v1.5", StableDiffusion.V15), ("sd-v2.1", StableDiffusion.V21) })
        {
            var preset = UNetPreset.Named(name);
            Assert.That(preset.UNet.ToJson(), Is.EqualTo(index.UNet.ToJson()));
            Assert.That((preset.Name, preset.Scheduler, preset.Tokens), Is.EqualTo((name, index.Scheduler, 77)));
        }
        var demo = UNetPreset.Named("demo");
        Assert.That((demo.UNet.ToJson(), demo.Tokens), Is.EqualTo((ModelPreset.Load("demo").UNet.ToJson(), 20)));
        Assert.That(
            () => UNetPreset.Named("sd-v3"), Throws.TypeOf<ModelFileException>().With.Message.Contains("'sd-v3'").And.Message.Contains("sd-v1.5, sd-v2.1"));
    }

    [TestCase("sd-v1.5", 32, new[] { 32, 64, 128, 128 }, "8", 32)]
    [TestCase("sd-v1.5", 80, new[] { 80, 160, 320, 320 }, "[5, 8, 8, 8]", 16)]
    [TestCase("sd-v2.1", 32, new[] { 32, 64, 128, 128 }, "[4, 8, 16, 16]", 32)]
    [TestCase("sd-v2.1", 320, new[] { 320, 640, 1280, 1280 }, "[5, 10, 20, 20]", 32)]
    public void ANarrowerNetworkIsConsistent(string name, int finest, int[] channels, string heads, int groups)
    {
        var config = UNetPreset.Named(name).UNet.WithChannels(finest);
        Assert.That(config.BlockOutChannels, Is.EqualTo(channels));
        Assert.That((config.AttentionHeadDim.ToString(), config.NormNumGroups), Is.EqualTo((heads, groups)));
        Assert.That(config.Problem(), Is.Null);
    }

    [TestCase(0, "a size is zero")]
    [TestCase(-32, "a size is zero or negative")]
    [TestCase(30, "is not divisible by attention_head_dim (the number of heads) = 8")]
    public void ANetworkThatCannotBeIsRefused(int finest, string word) =>
        Assert.That(() => UNetPreset.StableDiffusion15.UNet.WithChannels(finest), Throws.TypeOf<UserException>().With.Message.Contains(word));

    [Test]
    public void ChannelsStayInProportion() => Assert.That(
        () => UNetPreset.Named("demo").UNet.WithChannels(9), Throws.TypeOf<UserException>().With.Message.Contains("[32, 48, 48]"));
}
