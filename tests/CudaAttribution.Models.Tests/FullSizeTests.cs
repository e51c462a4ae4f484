using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Tensors;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests;

/// <summary>Stable Diffusion at full size on random weights, in both layouts. Needs 20 GB of disk and 12 GB of memory.</summary>
[Category("Slow")]
public class FullSizeTests : DeviceFixture
{
    private const long Gigabyte = 1_000_000_000;

    [Test]
    public void BothLayoutsHoldTheModelAndItsConfiguration([Values] StableDiffusionFamily family)
    {
        var index = family == StableDiffusionFamily.V1 ? StableDiffusion.V15 : StableDiffusion.V21;
        string hash = Save(index);
        ModelConverter.ToSingleFile(Folder["m"], Folder["m.safetensors"]);
        Directory.Delete(Folder["m"], recursive: true);
        // Nothing is given beside the path: prediction and the large latent of v2.1 come from the file's metadata.
        using var loaded = DiffusionModel.Load(Folder["m.safetensors"], Device);
        Assert.That(loaded.WeightsHash(), Is.EqualTo(hash));
        Assert.That(loaded.UNet.Config.ToJson(), Is.EqualTo(index.UNet.ToJson()));
        Assert.That(loaded.TextEncoder.Config, Is.EqualTo(index.TextEncoder));
        Assert.That(loaded.Vae!.Config.ToJson(), Is.EqualTo(index.Vae!.ToJson()));
        Assert.That(loaded.Scheduler, Is.EqualTo(index.Scheduler));
        Assert.That(loaded.Tokenizer.Encode(["a photo"]), Is.EqualTo(index.Tokenizer.Encode(["a photo"])));
    }

    /// <summary>One guided step: the issue is memory, weights and maps of the network together.</summary>
    [Test]
    public void AGuidedStepOfV15FitsInSixGigabytes()
    {
        Save(StableDiffusion.V15);
        using var model = DiffusionModel.Load(Folder["m"], Device);
        using var arena = new Arena(Device);
        var x = arena.New(new Shape(1, 64, 64, 4));
        Tensors.Ops.RandomNumbers.Normal(x, 1, 1);
        using (var tape = new Tape(Device, record: false))
        {
            var text = model.EncodeText(tape, ["", "a photo"]);
            Sampler.Run(model.UNet, x, text, DdimScheduler.Steps(model.Scheduler, 1), guidance: 7.5);
        }
        Assert.That(x.ToArray<float>(), Is.All.Not.NaN);
        TestContext.Out.WriteLine($"{Device.Pool.Peak:N0} bytes");
        Assert.That(Device.Pool.Peak, Is.LessThan(6 * Gigabyte));
    }

    /// <returns>The model's identity.</returns>
    private string Save(ModelIndex index)
    {
        using var model = DiffusionModel.Create(index, Device, seed: 1, ModelUse.Sampling);
        model.Save(Folder["m"]);
        return model.WeightsHash();
    }
}
