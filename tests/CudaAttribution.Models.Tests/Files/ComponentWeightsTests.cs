using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;
using CudaAttribution.Tensors.Weights.Torch;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Files;

/// <summary>Weights of a part of a model in its folder, in whatever form they are, and into a model's parameters.</summary>
public class ComponentWeightsTests
{
    private static readonly string[] InOrder =
    [
        "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors.index.json", "diffusion_pytorch_model.bin",
        "diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.fp16.bin",
    ];

    private TemporaryFolder _folder = null!;
    private ComputeDevice _device = null!;

    [SetUp]
    public void SetUp() => (_folder, _device) = (new TemporaryFolder(), ComputeDevice.Open("cpu"));

    [TearDown]
    public void TearDown()
    {
        _device.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void TheBestFormIsTaken()
    {
        foreach (string name in InOrder.Reverse())
        {
            File.WriteAllText(_folder[name], "");
            Assert.That(ComponentWeights.Find(_folder.Path, ComponentWeights.Diffusers), Is.EqualTo(_folder[name]));
        }
    }

    [Test]
    public void TextEncodersHaveTwoNames()
    {
        string[] stems = [ComponentWeights.Transformers, ComponentWeights.TransformersPickled];
        File.Copy(WeightFixtures.PathOf("views_protocol2.pt"), _folder["pytorch_model.bin"]);
        using (var pickled = ComponentWeights.Open(_folder.Path, stems)) Assert.That(pickled, Is.TypeOf<TorchFile>());
        File.Copy(WeightFixtures.PathOf("single_v2.safetensors"), _folder["model.safetensors"]);
        using var safetensors = ComponentWeights.Open(_folder.Path, stems);
        Assert.That(safetensors, Is.TypeOf<SafetensorsFile>());
    }

    [Test]
    public void WhatIsMissingOrDamagedIsSaid()
    {
        Assert.That(
            () => ComponentWeights.Open(_folder.Path, ComponentWeights.Diffusers),
            Throws.TypeOf<ModelFileException>().With.Message.Contains($"{_folder["diffusion_pytorch_model.safetensors"]} does not exist"));
        File.WriteAllText(_folder["diffusion_pytorch_model.bin"], "x");
        Assert.That(
            () => ComponentWeights.Open(_folder.Path, ComponentWeights.Diffusers),
            Throws.TypeOf<ModelFileException>().With.Message.Contains(_folder["diffusion_pytorch_model.bin"]));
    }

    [Test]
    public void AnySourceFillsAPartOfAModel([Values(DType.F32, DType.F64, DType.F16, DType.BF16)] DType type)
    {
        using var parameters = Parameters(out var part);
        float[] conv = [.. Enumerable.Range(0, 24).Select(i => (float)i)], bias = [1, -2];
        var tensors = new Dictionary<string, HostTensor> { ["conv.weight"] = Of(conv, [2, 3, 2, 2], type), ["conv.bias"] = Of(bias, [2], type) };
        using var source = new HostWeights("made", tensors);
        WeightFile.Load(source, part);
        Assert.That(part["conv.bias"].ToArray<float>(), Is.EqualTo(bias));
        float[] inMemory = part["conv.weight"].ToArray<float>();
        Assert.That(inMemory[..6], Is.EqualTo(new[] { 0f, 4, 8, 1, 5, 9 }), "[O,KH,KW,I]");

        using var read = new PartWeights("read", part);
        Assert.That(read.Weights["conv.weight"], Is.EqualTo(new WeightInfo(DType.F32, [2, 3, 2, 2])));
        Assert.That(read.ReadF32("conv.weight"), Is.EqualTo(conv));
        float[] some = new float[5];
        read.ReadF32("conv.weight", 7, some);
        Assert.That(some, Is.EqualTo(conv[7..12]));
        Assert.That(() => read.ReadF32("conv.weight", 20, some), Throws.ArgumentException);
    }

    [Test]
    public void WhatDoesNotFitIsListed()
    {
        using var parameters = Parameters(out var part);
        var tensors = new Dictionary<string, HostTensor>
        {
            ["conv.weight"] = HostTensor.From(new float[24], [2, 2, 2, 3]), ["conv.bias"] = HostTensor.From(new long[2], [2]),
            ["extra\u001b[31m"] = HostTensor.From(new float[1], [1]), ["text_model.embeddings.position_ids"] = HostTensor.From(new long[1], [1]),
        };
        Assert.That(
            () => WeightFile.Load(new HostWeights("made", tensors), part),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("1 superfluous: extra\\u001b[31m")
                .And.Message.Contains("1 misshapen: conv.weight (is [2,2,2,3], must be [2,3,2,2])")
                .And.Message.Contains("1 not floating-point: conv.bias"));
        tensors.Remove("conv.bias");
        Assert.That(
            () => WeightFile.Load(new HostWeights("made", tensors), part),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("1 missing: conv.bias"));
    }

    [Test]
    public void ValuesThatNoModelHasAreRefused()
    {
        using var parameters = Parameters(out var part);
        var tensors = new Dictionary<string, HostTensor>
        {
            ["conv.weight"] = HostTensor.From(new float[24], [2, 3, 2, 2]), ["conv.bias"] = HostTensor.From([0, float.NegativeInfinity], [2]),
        };
        Assert.That(
            () => WeightFile.Load(new HostWeights("made", tensors), part),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("'conv.bias': element 1 is -").IgnoreCase);
    }

    private ParameterSet Parameters(out ModelPart part)
    {
        var parameters = new ParameterSet(_device);
        parameters.Add("unet.conv.weight", [2, 2, 2, 3]);
        parameters.Add("unet.conv.bias", [2]);
        parameters.Freeze(trainable: false);
        part = new ModelPart(parameters, "unet.");
        return parameters;
    }

    private static HostTensor Of(float[] values, Shape shape, DType type) => type switch
    {
        DType.F64 => HostTensor.From([.. values.Select(v => (double)v)], shape),
        DType.F16 => HostTensor.From([.. values.Select(v => (Half)v)], shape),
        DType.BF16 => HostTensor.FromBFloat16([.. values.Select(v => (ushort)(BitConverter.SingleToUInt32Bits(v) >> 16))], shape),
        _ => HostTensor.From(values, shape),
    };
}
