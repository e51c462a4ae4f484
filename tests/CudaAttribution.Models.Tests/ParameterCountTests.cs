using CudaAttribution.Tensors;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Sizes of the published networks, counted without allocating a weight.</summary>
public class ParameterCountTests
{
    private static readonly UNetConfig StableDiffusion15 = new() { SampleSize = 64, CrossAttentionDim = 768 };

    private static readonly UNetConfig StableDiffusion21 = new()
    {
        SampleSize = 96, CrossAttentionDim = 1024, AttentionHeadDim = new[] { 5, 10, 20, 20 }, UseLinearProjection = true, UpcastAttention = true,
    };

    [Test]
    public void StableDiffusionsUNets()
    {
        Assert.That(Count(p => new UNet2DConditionModel(StableDiffusion15, p)), Is.EqualTo((859_520_964, 686)));
        Assert.That(Count(p => new UNet2DConditionModel(StableDiffusion21, p)), Is.EqualTo((865_910_724, 686)));
    }

    [Test]
    public void ClipTextEncoders()
    {
        var vitL = new ClipTextConfig { HiddenSize = 768, IntermediateSize = 3072, NumAttentionHeads = 12 };
        var vitH = vitL with { HiddenSize = 1024, IntermediateSize = 4096, NumAttentionHeads = 16, NumHiddenLayers = 23, HiddenAct = "gelu" };
        Assert.That(Count(p => new ClipTextModel(vitL, p)), Is.EqualTo((123_060_480, 196)));
        Assert.That(Count(p => new ClipTextModel(vitH, p)), Is.EqualTo((340_387_840, 372)));
    }

    [Test]
    public void TheAutoencoder()
    {
        var config = new AutoencoderKLConfig { BlockOutChannels = [128, 256, 512, 512], LayersPerBlock = 2, SampleSize = 512 };
        Assert.That(Count(p => new AutoencoderKL(config, p)), Is.EqualTo((83_653_863, 248)));
    }

    [TestCase("nano", 16)]
    [TestCase("demo", 16)]
    [TestCase("small", 32)]
    public void PresetsAreConsistentAndOfTheirSize(string name, int size)
    {
        var preset = ModelPreset.Load(name);
        Assert.That((preset.Name, preset.UNet.SampleSize), Is.EqualTo((name, size)));
        TestContext.Out.WriteLine($"{name}: {Count(p => new UNet2DConditionModel(preset.UNet, p)).Parameters:N0} parameters");
    }

    private static (long Parameters, int Tensors) Count(Action<ParameterScope> build)
    {
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        build(new ParameterScope(parameters, new WeightInit()));
        Assert.That(device.Pool.Reserved, Is.Zero);
        return (parameters.Count, parameters.Names.Count);
    }
}
