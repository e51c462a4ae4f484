using CudaAttribution.Models.Audit;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Parts of a model alone, and the traces of their layers.</summary>
public class ModelComponentTests : DeviceFixture
{
    [Test]
    public void ThePartsGiveWhatTheOracleSays()
    {
        using var golden = new Golden("unet_conv");
        Write("unet", golden, "diffusion_pytorch_model.safetensors");
        using var part = ModelComponent.Load(Folder.Path, "unet", Device);
        var (name, output) = part.Run(new Dictionary<string, HostTensor>
        {
            ["sample"] = golden.Host("input.sample"),
            ["encoder_hidden_states"] = golden.Host("input.encoder_hidden_states"),
            ["timestep"] = HostTensor.From([7L, 981L], new Shape(2)),
        });
        Assert.That((name, output.Shape), Is.EqualTo(("sample", golden.Shape("output"))));
        Assert.That(Nmse.Of(output.ToF32(), golden.Values("output")), Is.LessThanOrEqualTo(Nmse.Limit));
    }

    [Test]
    public void TheAutoencoderHasTwo()
    {
        using var golden = new Golden("autoencoder");
        Write("vae", golden, "diffusion_pytorch_model.safetensors");
        foreach (var (component, input, result) in new[] { ("vae-encode", "image", "moments"), ("vae-decode", "latent", "sample") })
        {
            using var part = ModelComponent.Load(Folder.Path, component, Device);
            var (name, output) = part.Run(new Dictionary<string, HostTensor> { [input] = golden.Host($"input.{input}") });
            Assert.That((name, output.Shape), Is.EqualTo((result, golden.Shape(result))));
            Assert.That(Nmse.Of(output.ToF32(), golden.Values(result)), Is.LessThanOrEqualTo(Nmse.Limit));
        }
    }

    [Test]
    public void ATraceNamesTheFirstLayerThatDrifts()
    {
        using var golden = new Golden("autoencoder");
        Write("vae", golden, "diffusion_pytorch_model.safetensors");
        var input = new Dictionary<string, HostTensor> { ["latent"] = golden.Host("input.latent") };
        void Record(string folder)
        {
            using var part = ModelComponent.Load(Folder.Path, "vae-decode", Device);
            LayerTrace.Write(Folder[folder], record => part.Run(input, record));
        }
        Record("a");
        Record("b");
        var same = LayerTrace.Compare(Folder["a"], Folder["b"]).ToArray();
        Assert.That(same, Has.Length.GreaterThan(40));
        Assert.That(same.Select(l => l.Nmse), Is.All.Zero);
        Assert.That(same[0].Layer, Is.EqualTo("post_quant_conv"));
        Assert.That(same.Select(l => l.Layer), Does.Contain("decoder.mid_block.attentions.0.to_q").And.Contain("decoder.conv_norm_out.silu"));

        const string Changed = "decoder.up_blocks.1.resnets.0.conv2";
        Write("vae", golden, "diffusion_pytorch_model.safetensors", changed: $"{Changed}.weight");
        Record("b");
        var drifted = LayerTrace.Compare(Folder["b"], Folder["a"]).First(l => l.Nmse > 0);
        Assert.That((drifted.Layer, drifted.Problem), Is.EqualTo((Changed, (string?)null)));
        Assert.That(drifted.MaxAbs, Is.Positive);
    }

    [Test]
    public void InputsThatDoNotFitAreNamed()
    {
        using var golden = new Golden("autoencoder");
        Write("vae", golden, "diffusion_pytorch_model.safetensors");
        using var part = ModelComponent.Load(Folder.Path, "vae-decode", Device);
        var latent = golden.Host("input.latent");
        Refused(new() { ["image"] = latent }, "the input 'latent' is missing; given are image");
        Refused(new() { ["latent"] = latent, ["noise"] = latent }, "noise: there is no such input, only latent");
        Refused(new() { ["latent"] = golden.Host("input.image") }, "[N,h,w,4]");
        Refused(new() { ["latent"] = HostTensor.From([1f], new Shape(1)) }, "it must be [N,C,H,W]");
        Assert.That(() => ModelComponent.Load(Folder.Path, "vea", Device), Throws.TypeOf<UserException>().With.Message.Contains("unet, vae-encode"));
        Assert.That(
            () => ModelComponent.Load(Folder.Path, "text", Device),
            Throws.InstanceOf<ModelFileException>().With.Message.Contains("text_encoder"));
        Assert.That(
            () => LayerTrace.Compare(Folder.Path, Folder.Path).ToArray(),
            Throws.InstanceOf<ModelFileException>().With.Message.Contains("layers.json"));

        void Refused(Dictionary<string, HostTensor> inputs, string word) =>
            Assert.That(() => part.Run(inputs), Throws.InstanceOf<ModelFileException>().With.Message.Contains(word));
    }

    private void Write(string part, Golden golden, string file, string? changed = null)
    {
        Directory.CreateDirectory(Folder[part]);
        File.WriteAllText(Folder[part, "config.json"], golden.Config);
        var weights = golden.Names
            .Where(n => n.StartsWith("weight.", StringComparison.Ordinal))
            .ToDictionary(n => n["weight.".Length..], golden.Host);
        if (changed is not null)
        {
            float[] values = weights[changed].ToF32();
            values[0] += 0.5f;
            weights[changed] = HostTensor.From(values, weights[changed].Shape);
        }
        SafetensorsWriter.Write(Folder[part, file], weights);
    }
}
