using System.Text.Json;
using CudaAttribution.Models.Descriptors;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.ResNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Descriptors;

/// <summary>SSCD against PyTorch in float64 (<c>build/oracle/make_sscd_golden.py</c>).</summary>
public class SscdGoldenTests : DeviceFixture
{
    private const int Side = 64;

    private static readonly string[] Gradients =
    [
        "backbone.conv1.weight", "backbone.layer4.1.conv2.weight", "backbone.layer4.1.bn2.bias", "backbone.fc.weight", "backbone.fc.bias",
    ];

    /// <summary>ResNet-50 with 512 numbers, 24,557,120 parameters, weights of a formula.</summary>
    [Test]
    public void TheNetworkOfFullSize()
    {
        using var golden = new Golden("sscd");
        using var parameters = new ParameterSet(Device);
        var network = new SscdNetwork(SscdConfig.Published, new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze(trainable: false);
        Assert.That(parameters.Count, Is.EqualTo(24_557_120));
        FormulaWeights.Fill(parameters, "bn3.weight");

        using var tape = new Tape(Device, record: false);
        var x = tape.Arena.From(FormulaWeights.Pictures("x", 2, Side), new Shape(2, Side, Side, 3));
        double error = Nmse.Of(network.Forward(tape, x, NetworkMode.Evaluation).ToArray<float>(), golden.Values("full"));
        TestContext.Out.WriteLine($"NMSE {error:0.0e0}");
        Assert.That(error, Is.LessThanOrEqualTo(Nmse.Limit));
    }

    /// <summary>A ResNet-18 of width 4: the contrastive loss over eight views of four pictures, and gradients from the first layer to the last.</summary>
    [Test]
    public void AStepOfTraining()
    {
        using var golden = new Golden("sscd");
        using var parameters = new ParameterSet(Device);
        var config = SscdConfig.Small with { Width = 4, Dimensions = 6, Stem = ResNetStem.Halving, ImageSize = Side };
        var network = new SscdNetwork(config, new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze();
        FormulaWeights.Fill(parameters, "bn2.weight");

        using var tape = new Tape(Device, record: true);
        var z = network.Forward(tape, tape.Arena.From(FormulaWeights.Pictures("x", 8, Side), new Shape(8, Side, Side, 3)), NetworkMode.Training);
        Assert.That(Nmse.Of(z.ToArray<float>(), golden.Values("step.z")), Is.LessThanOrEqualTo(Nmse.Limit));
        int[] groups = golden["groups"].Deserialize<int[]>()!;
        var loss = tape.Contrastive(tape.Linear(z, z, null), tape.Arena.From(groups, new Shape(8)), 0.05f, 10f);
        Assert.That(loss.ToArray<float>()[0], Is.EqualTo(golden["loss"].GetDouble()).Within(1e-3).Percent);
        tape.Backward(loss);
        foreach (string name in Gradients)
        {
            var shape = parameters[name].Shape;
            double error = Nmse.Of(parameters[name].Grad!.ToArray<float>(), WeightMap.FromFile(golden.Values($"step.grad.{name}"), shape));
            Assert.That(error, Is.LessThanOrEqualTo(Nmse.GradientLimit), name);
        }
    }

    /// <summary>State dict, TorchScript program and our own folder are one descriptor, and give what PyTorch gives.</summary>
    [TestCase("sscd.torchvision.pt")]
    [TestCase("sscd.torchscript.pt")]
    public void TheFilesThatPyTorchWrites(string file)
    {
        using var golden = new Golden("sscd");
        using var model = SscdModel.Load(Golden.PathOf($"weights/{file}"), Device);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(model.Config.Blocks, Is.EqualTo(new[] { 2, 2, 2, 2 }));
            Assert.That((model.Config.Bottleneck, model.Config.Width, model.Config.Dimensions, model.Config.ImageSize), Is.EqualTo((false, 2, 5, 320)));
        }
        using (var tape = new Tape(Device, record: false))
        {
            var x = tape.Arena.From(FormulaWeights.Pictures("x", 2, Side), new Shape(2, Side, Side, 3));
            Assert.That(Nmse.Of(model.Forward(tape, x, NetworkMode.Evaluation).ToArray<float>(), golden.Values("files")), Is.LessThanOrEqualTo(Nmse.Limit));
        }
        model.Save(Folder["saved"]);
        using var again = SscdModel.Load(Folder["saved"], Device);
        using var other = SscdModel.Load(Golden.PathOf("weights/sscd.torchvision.pt"), Device);
        Assert.That((again.Identity(), other.Identity()), Is.EqualTo((model.Identity(), model.Identity())));
    }
}
