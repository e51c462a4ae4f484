using System.Text.Json;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.ResNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.ResNet;

/// <summary>ResNet-18 and -50 against PyTorch in float64: reduced ones with all gradients and buffers, full ones by what they give.</summary>
public class ResNetGoldenTests : DeviceFixture
{
    [Test]
    public void OutputsGradientsAndBuffers([Values("resnet18", "resnet50")] string name, [Values] NetworkMode mode, [Values] bool checkpointing)
    {
        using var golden = new Golden(name);
        using var parameters = new ParameterSet(Device);
        var network = Reduced(name, golden, parameters);
        StateDict.Load(Golden.PathOf($"weights/{name}.pth"), parameters);
        var before = parameters.Buffers.ToDictionary(b => b.Name, b => Values(b.Tensor));
        string prefix = mode == NetworkMode.Training ? "train." : "eval.";
        using var tape = new Tape(Device, record: true) { Recomputes = checkpointing };
        var x = golden.Picture(tape.Arena, "x");
        x.RequiresGrad = true;

        var features = network.Features(tape, x, mode);
        var output = network.Classify(tape, features);
        Assert.That(Nmse.Of(features.ToArray<float>(), golden.Values(prefix + "features")), Is.LessThanOrEqualTo(Nmse.Limit), "features");
        Assert.That(Nmse.Of(output.ToArray<float>(), golden.Values(prefix + "output")), Is.LessThanOrEqualTo(Nmse.Limit), "output");
        int[] labels = golden["labels"].Deserialize<int[]>()!;
        var loss = tape.CrossEntropy(output, tape.Arena.From(labels, new Shape(labels.Length)));
        Assert.That(loss.ToArray<float>()[0], Is.EqualTo(golden[prefix + "loss"].GetDouble()).Within(1e-4).Percent);

        tape.Backward(loss);
        double worst = 0;
        foreach (string parameter in parameters.Names)
        {
            var shape = parameters[parameter].Shape;
            float[] expected = WeightMap.FromFile(golden.Values($"{prefix}grad.{parameter}"), shape);
            double error = Nmse.Of(parameters[parameter].Grad!.ToArray<float>(), expected);
            worst = Math.Max(worst, error);
            Assert.That(error, Is.LessThanOrEqualTo(Nmse.Limit), parameter);
        }
        Assert.That(Nmse.Of(x.Grad!.ToArray<float>(), golden.Pictures(prefix + "dx")), Is.LessThanOrEqualTo(Nmse.Limit), "pictures");
        TestContext.Out.WriteLine($"worst gradient: {worst:0.0e0}");
        foreach (var buffer in parameters.Buffers)
        {
            float[] after = Values(buffer.Tensor);
            if (mode == NetworkMode.Evaluation) Assert.That(after, Is.EqualTo(before[buffer.Name]), buffer.Name);
            else Assert.That(Nmse.Of(after, golden.Values($"after.{buffer.Name}")), Is.LessThanOrEqualTo(Nmse.Limit), buffer.Name);
        }
    }

    /// <summary>torchvision's sizes, 11,689,512 and 25,557,032 parameters, with weights of a formula, on a picture of 224 x 224.</summary>
    [TestCase("resnet18", 11_689_512)]
    [TestCase("resnet50", 25_557_032)]
    public void FullSize(string name, long count)
    {
        using var golden = new Golden("resnet_full");
        using var parameters = new ParameterSet(Device);
        var network = new ResNetModel(Config(name), new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze(trainable: false);
        Assert.That(parameters.Count, Is.EqualTo(count));
        FormulaWeights.Fill(parameters, name == "resnet18" ? "bn2.weight" : "bn3.weight");

        using var tape = new Tape(Device, record: false);
        float[] pixels = FormulaWeights.Pictures("x", 1, 224);
        var features = network.Features(tape, tape.Arena.From(pixels, new Shape(1, 224, 224, 3)), NetworkMode.Evaluation);
        Assert.That(Nmse.Of(features.ToArray<float>(), golden.Values($"{name}.features")), Is.LessThanOrEqualTo(Nmse.Limit));
        var output = network.Classify(tape, features);
        Assert.That(Nmse.Of(output.ToArray<float>(), golden.Values($"{name}.output")), Is.LessThanOrEqualTo(Nmse.Limit));
    }

    private static ResNetConfig Config(string name) => name == "resnet18" ? ResNetConfig.ResNet18 : ResNetConfig.ResNet50;

    private static ResNetModel Reduced(string name, Golden golden, ParameterSet parameters)
    {
        var config = Config(name) with { Width = golden["width"].GetInt32(), Classes = golden["classes"].GetInt32() };
        var network = new ResNetModel(config, new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze();
        return network;
    }

    private static float[] Values(Tensor tensor) => tensor.Type == DType.I64 ? [tensor.ToArray<long>()[0]] : tensor.ToArray<float>();
}
