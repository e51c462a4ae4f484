using System.Text.Json;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>The autoencoder against the oracle in float64, and what its configuration may say.</summary>
public class AutoencoderGoldenTests
{
    [Test]
    public void EncodesAndDecodesAsPyTorch([Values("cpu", "simt")] string id)
    {
        using var golden = new Golden("autoencoder");
        using var device = ComputeDevice.Open(id, guardBands: true);
        using var parameters = new ParameterSet(device);
        var vae = new AutoencoderKL(AutoencoderKLConfig.FromJson(golden.Config, "golden"), new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze(trainable: false);
        golden.Fill(parameters);
        using (var tape = new Tape(device, record: false))
        {
            var moments = vae.Encode(tape, golden.Picture(tape.Arena, "input.image"));
            Assert.That(Nmse.Of(moments.ToArray<float>(), golden.Pictures("moments")), Is.LessThanOrEqualTo(Nmse.Limit), "moments");
        }
        using (var tape = new Tape(device, record: false))
        {
            var sample = vae.Decode(tape, golden.Picture(tape.Arena, "input.latent"));
            Assert.That(Nmse.Of(sample.ToArray<float>(), golden.Pictures("sample")), Is.LessThanOrEqualTo(Nmse.Limit), "sample");
        }
    }

    [Test]
    public void OnlyDiffusersKeysAreWritten()
    {
        string[] diffusers =
        [
            "_class_name", "act_fn", "block_out_channels", "down_block_types", "force_upcast", "in_channels", "latent_channels", "layers_per_block",
            "norm_num_groups", "out_channels", "sample_size", "scaling_factor", "up_block_types",
        ];
        using var json = JsonDocument.Parse(new AutoencoderKLConfig().ToJson());
        Assert.That(json.RootElement.EnumerateObject().Select(p => p.Name), Is.EquivalentTo(diffusers));
    }

    [Test]
    public void ShapesThatDoNotFitAreRefused()
    {
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var config = new AutoencoderKLConfig { BlockOutChannels = [8, 8, 8], NormNumGroups = 4 };
        var vae = new AutoencoderKL(config, new ParameterScope(parameters, new WeightInit()));
        parameters.Freeze(trainable: false);
        using var tape = new Tape(device, record: false);
        Assert.That(() => vae.Encode(tape, tape.New([1, 10, 8, 3])), Throws.ArgumentException.With.Message.Contains("divisible by 4"));
        Assert.That(() => vae.Decode(tape, tape.New([1, 4, 4, 3])), Throws.ArgumentException.With.Message.Contains("[N,h,w,4]"));
    }

    [TestCase("\"block_out_channels\": [8, 10], \"norm_num_groups\": 4", "not divisible by norm_num_groups")]
    [TestCase("\"block_out_channels\": [32, 1024]", "one attention head is 1024 wide")]
    [TestCase("\"down_block_types\": [\"AttnDownEncoderBlock2D\"]", "down_block_types")]
    [TestCase("\"act_fn\": \"relu\"", "act_fn")]
    [TestCase("\"shift_factor\": 0.1", "shift_factor")]
    [TestCase("\"scaling_factor\": -1", "scaling_factor must be positive")]
    [TestCase("\"layers_per_blok\": 2", "layers_per_blok")]
    public void AConfigurationThatIsNotComputedIsRefused(string entry, string word) =>
        Assert.That(
            () => AutoencoderKLConfig.FromJson($"{{{entry}}}", "vae/config.json"),
            Throws.InstanceOf<ModelFileException>().With.Message.Contains("vae/config.json").And.Message.Contains(word));

    [Test]
    public void AConfigurationSurvivesItsFile()
    {
        var config = new AutoencoderKLConfig { BlockOutChannels = [16, 32, 32, 32], LayersPerBlock = 2, NormNumGroups = 8, ScalingFactor = 0.13025 };
        Assert.That(AutoencoderKLConfig.FromJson(config.ToJson(), "copy").ToJson(), Is.EqualTo(config.ToJson()));
    }
}
