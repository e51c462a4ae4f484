using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.ResNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.ResNet;

/// <summary>State dicts in torchvision's format in and out, buffers included.</summary>
public class StateDictTests : DeviceFixture
{
    private static readonly string Torch = Golden.PathOf("weights/resnet18.pth");

    /// <summary>The same names, types, shapes and bytes: what <c>load_state_dict(strict=True)</c> asks for.</summary>
    [Test]
    public void WhatTorchSavedGoesOutAsItCameIn()
    {
        using var network = Network();
        StateDict.Load(Torch, network);
        StateDict.Save(Folder["out.safetensors"], network);
        using IWeightSource torch = WeightFiles.Open(Torch), ours = WeightFiles.Open(Folder["out.safetensors"]);
        Assert.That(ours.Weights, Is.EquivalentTo(torch.Weights));
        foreach (string name in torch.Weights.Keys) Assert.That(ours.ReadTensor(name).Bytes.SequenceEqual(torch.ReadTensor(name).Bytes), name);
        Assert.That(torch.ReadScalar("bn1.num_batches_tracked"), Is.EqualTo(3));

        using var again = Network();
        StateDict.Load(Folder["out.safetensors"], again);
        Assert.That(again.Values.ToArray<float>(), Is.EqualTo(network.Values.ToArray<float>()));
        Assert.That(again["layer4.1.bn2.running_var"].ToArray<float>(), Is.EqualTo(torch.ReadF32("layer4.1.bn2.running_var")));
    }

    [Test]
    public void HalfPrecisionKeepsTheCounters()
    {
        using var network = Network();
        StateDict.Load(Torch, network);
        StateDict.Save(Folder["half.safetensors"], network, DType.F16);
        using (var half = WeightFiles.Open(Folder["half.safetensors"]))
        {
            Assert.That((half.Info("bn1.running_mean").Type, half.Info("bn1.num_batches_tracked").Type), Is.EqualTo((DType.F16, DType.I64)));
        }
        using var again = Network();
        StateDict.Load(Folder["half.safetensors"], again);
        Assert.That(Nmse.Of(again.Values.ToArray<float>(), network.Values.ToArray<float>()), Is.InRange(1e-12, 1e-6));
    }

    [Test]
    public void CountersMayBeAbsentAndThenBeginAnew()
    {
        using var network = Network();
        StateDict.Load(Torch, network);
        StateDict.Load(Changed(t => Remove(t, n => n.EndsWith("num_batches_tracked", StringComparison.Ordinal))), network);
        Assert.That(network["bn1.num_batches_tracked"].ToArray<long>(), Is.EqualTo(new[] { 0L }));
    }

    [Test]
    public void WhatDoesNotFitIsNamedAndNothingIsSet()
    {
        using var network = Network();
        float[] before = network.Values.ToArray<float>();
        void Refused(Action<Dictionary<string, HostTensor>> change, params string[] words)
        {
            string path = Changed(change);
            var problem = Assert.Throws<ModelFileException>(() => StateDict.Load(path, network))!;
            foreach (string word in words.Append(path)) Assert.That(problem.Message, Does.Contain(word));
            Assert.That(network.Values.ToArray<float>(), Is.EqualTo(before));
        }
        Refused(t => t.Remove("layer2.0.downsample.0.weight"), "1 missing: layer2.0.downsample.0.weight");
        Refused(t => t.Remove("bn1.running_var"), "1 missing: bn1.running_var");
        Refused(t => t["fc.weight"] = HostTensor.From(new float[32 * 6], new Shape(6, 32)), "1 misshapen: fc.weight (is [6,32], must be [5,32])");
        Refused(t => t["layer5.0.conv1.weight"] = HostTensor.From(new float[1], new Shape(1)), "1 superfluous: layer5.0.conv1.weight");
        Refused(t => t["bn1.num_batches_tracked"] = HostTensor.From([1f], []), "1 not I64: bn1.num_batches_tracked");
        Refused(t => t["bn1.running_mean"] = HostTensor.From(new long[4], new Shape(4)), "1 not floating-point: bn1.running_mean");
    }

    [Test]
    public void WhatIsNoFileOfWeightsIsNamed()
    {
        using var network = Network();
        File.WriteAllText(Folder["text.pth"], "weights");
        Assert.That(() => StateDict.Load(Folder["text.pth"], network), Throws.TypeOf<ModelFileException>().With.Message.Contains(Folder["text.pth"]));
        Assert.That(() => StateDict.Load(Folder["none.pth"], network), Throws.TypeOf<ModelFileException>().With.Message.Contains(Folder["none.pth"]));
    }

    [Test]
    public void AConfigurationThatMakesNoSenseIsRefused()
    {
        foreach (var (config, name) in new (ResNetConfig, string)[]
        {
            (new ResNetConfig([2, 2, 2], false), "Blocks"), (new ResNetConfig([2, 2, 0, 2], true), "Blocks"),
            (ResNetConfig.ResNet18 with { Width = 0 }, "Width"), (ResNetConfig.ResNet18 with { Classes = 0 }, "Classes"),
            (ResNetConfig.ResNet18 with { InChannels = -1 }, "InChannels"),
        })
        {
            using var parameters = new ParameterSet(Device);
            Assert.That(
                () => new ResNetModel(config, new ParameterScope(parameters, new WeightInit())), Throws.ArgumentException.With.Message.Contains(name));
        }
    }

    private static void Remove(Dictionary<string, HostTensor> tensors, Func<string, bool> which)
    {
        foreach (string name in tensors.Keys.Where(which).ToArray()) tensors.Remove(name);
    }

    private string Changed(Action<Dictionary<string, HostTensor>> change)
    {
        using var torch = WeightFiles.Open(Torch);
        var tensors = torch.Weights.Keys.ToDictionary(n => n, n => torch.ReadTensor(n));
        change(tensors);
        SafetensorsWriter.Write(Folder["changed.safetensors"], tensors);
        return Folder["changed.safetensors"];
    }

    private ParameterSet Network()
    {
        var parameters = new ParameterSet(Device);
        var init = new WeightInit();
        _ = new ResNetModel(ResNetConfig.ResNet18 with { Width = 4, Classes = 5 }, new ParameterScope(parameters, init));
        parameters.Freeze();
        init.Fill(parameters, seed: 1);
        return parameters;
    }
}
