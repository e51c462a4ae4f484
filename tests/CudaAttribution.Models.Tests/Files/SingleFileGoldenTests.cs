using System.Text.Json;
using CudaAttribution.Models.Audit;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Files;

/// <summary>
/// The golden networks under the names of the original layout, in one file: what comes out must be what PyTorch gave in float64, so a name that is
/// mapped wrongly cannot pass, even where shapes agree.
/// </summary>
public class SingleFileGoldenTests : DeviceFixture
{
    [TestCase("unet_conv", "text_quick_gelu")]
    [TestCase("unet_linear", "text_gelu")]
    public void EveryPartComputesAsPyTorch(string unet, string text)
    {
        var file = new Dictionary<string, HostTensor>();
        foreach (string part in (string[])[unet, "autoencoder", text])
        {
            using var golden = new Golden(part);
            foreach (var (ldm, diffusers, shape) in WeightFixtures.GoldenNames(part))
            {
                // A weight without a name in diffusers belongs to the layer that is not used.
                file.Add(ldm, diffusers.Length > 0 ? Joined(golden, ldm, diffusers) : HostTensor.From(new float[shape.Count], shape));
            }
            File.WriteAllText(Folder[$"{part}.json"], golden.Config);
        }
        SafetensorsWriter.Write(Folder["single.safetensors"], file);
        using (var golden = new Golden(unet))
        {
            int[] timesteps = golden["timesteps"].Deserialize<int[]>()!;
            Check(unet, "unet", golden.Host("output"), new()
            {
                ["sample"] = golden.Host("input.sample"), ["encoder_hidden_states"] = golden.Host("input.encoder_hidden_states"),
                ["timestep"] = HostTensor.From(timesteps, new Shape(timesteps.Length)),
            });
        }
        using (var golden = new Golden("autoencoder"))
        {
            Check("autoencoder", "vae-encode", golden.Host("moments"), new() { ["image"] = golden.Host("input.image") });
            Check("autoencoder", "vae-decode", golden.Host("sample"), new() { ["latent"] = golden.Host("input.latent") });
        }
        using (var golden = new Golden(text))
        {
            int[][] ids = golden["input_ids"].Deserialize<int[][]>()!;
            var input = HostTensor.From(ids.SelectMany(i => i).ToArray(), new Shape(ids.Length, ids[0].Length));
            Check(text, "text", golden.Host("output"), new() { ["input_ids"] = input });
        }

        // Only the part's own configuration is given: those of the others could not be told from sizes that are no real model's.
        void Check(string config, string component, HostTensor expected, Dictionary<string, HostTensor> inputs)
        {
            var model = new ModelReference(Folder["single.safetensors"]) { Configs = [Folder[$"{config}.json"]] };
            using var part = ModelComponent.Load(model, component, Device);
            var (_, actual) = part.Run(inputs);
            Assert.That(actual.Shape, Is.EqualTo(expected.Shape), component);
            Assert.That(Nmse.Of(actual.ToF32(), expected.ToF32()), Is.LessThanOrEqualTo(Nmse.Limit), component);
        }
    }

    /// <summary>A weight of the original: queries, keys and values joined, the autoencoder's attention as 1x1 convolutions.</summary>
    private static HostTensor Joined(Golden golden, string ldm, string[] diffusers)
    {
        int[] shape = golden.Shape($"weight.{diffusers[0]}").ToArray();
        shape[0] *= diffusers.Length;
        if (ldm.Contains(".attn_1.", StringComparison.Ordinal) && shape.Length == 2) shape = [.. shape, 1, 1];
        return HostTensor.From(diffusers.SelectMany(d => golden.Values($"weight.{d}")).ToArray(), new Shape(shape));
    }
}
