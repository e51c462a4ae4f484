using CudaAttribution.Models.Files;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Sizes of the published networks, counted without allocating a weight.</summary>
public class ParameterCountTests
{
    [Test]
    public void StableDiffusionsUNets()
    {
        Assert.That(Count(p => new UNet2DConditionModel(StableDiffusion.V15.UNet, p)), Is.EqualTo((859_520_964, 686)));
        Assert.That(Count(p => new UNet2DConditionModel(StableDiffusion.V21.UNet, p)), Is.EqualTo((865_910_724, 686)));
    }

    [Test]
    public void ClipTextEncoders()
    {
        Assert.That(Count(p => new ClipTextModel(StableDiffusion.V15.TextEncoder, p)), Is.EqualTo((123_060_480, 196)));
        Assert.That(Count(p => new ClipTextModel(StableDiffusion.V21.TextEncoder, p)), Is.EqualTo((340_387_840, 372)));
    }

    [Test]
    public void TheAutoencoder() =>
        Assert.That(Count(p => new AutoencoderKL(StableDiffusion.V15.Vae!, p)), Is.EqualTo((83_653_863, 248)));

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
