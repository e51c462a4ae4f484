using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Cli.Tests;

/// <summary>
/// Single files, configurations and adapters through the command line, on a Stable Diffusion model of 16 x 16 pixels with random weights.
/// </summary>
public sealed class ConvertTests
{
    private static readonly TestFolder Work = new();

    private static readonly string Config = Work["sd/unet/config.json"];

    [OneTimeSetUp]
    public void WriteModel()
    {
        var unet = new UNetConfig
        {
            SampleSize = 8, BlockOutChannels = [32, 64], LayersPerBlock = 1, DownBlockTypes = ["CrossAttnDownBlock2D", "DownBlock2D"],
            UpBlockTypes = ["UpBlock2D", "CrossAttnUpBlock2D"], AttentionHeadDim = 8, CrossAttentionDim = 64,
        };
        var text = new ClipTextConfig { HiddenSize = 64, IntermediateSize = 64, NumHiddenLayers = 1, NumAttentionHeads = 1 };
        var vae = new AutoencoderKLConfig { BlockOutChannels = [32, 32], SampleSize = 16, ScalingFactor = 0.18215 };
        using var device = ComputeDevice.Open("cpu");
        using var model = DiffusionModel.Create(new ModelIndex(unet, text, ClipTokenizer.OpenAI(), new SchedulerConfig(), vae), device, seed: 3);
        model.Save(Work["sd"]);
        var result = Cudattr.Succeed("convert", "--model", Work["sd"], "--out", Work["sd.safetensors"], "--json");
        Assert.That(result.Json.GetProperty("parameters").GetInt64(), Is.GreaterThan(model.UNetParameterCount + model.TextEncoderParameterCount));
    }

    [OneTimeTearDown]
    public void Remove() => Work.Dispose();

    [Test]
    public void A_single_file_draws_the_pictures_of_its_folder()
    {
        string said = Sample("single", "--model", Work["sd.safetensors"], "--config", Config);
        Assert.That(said, Does.Contain("is Stable Diffusion V1 in the original layout").And.Contain("unet (given)"));
        Assert.That(Sample("folder", "--model", Work["sd"]), Does.Not.Contain("original layout"));
        Assert.That(Picture("single"), Is.EqualTo(Picture("folder")));
        Cudattr.Succeed("convert", "--model", Work["sd.safetensors"], "--config", Config, "--out", Work["again"], "--dtype", "BF16");
        Sample("half", "--model", Work["again"]);
        Sample("velocity", "--model", Work["sd.safetensors"], "--config", Config, "--prediction-type", "v_prediction");
        Assert.That(Picture("velocity"), Is.Not.EqualTo(Picture("folder")));
        Assert.That(Picture("half"), Is.Not.EqualTo(Picture("folder")), "BF16 has 8 bits");
    }

    [Test]
    public void A_single_file_can_be_fine_tuned()
    {
        Cudattr.Succeed(
            "finetune", "--base", Work["sd.safetensors"], "--config", Config, "--data", "emoji:twitter@0+4#7", "--steps", "2", "--batch", "2",
            "--device", "cpu", "--out", Work["tuned"]);
        Sample("of-tuned", "--model", Work["tuned"]);
        Sample("of-base", "--model", Work["sd"]);
        Assert.That(Picture("of-tuned"), Is.Not.EqualTo(Picture("of-base")));
    }

    [Test]
    public void An_adapter_has_its_strength()
    {
        const string Module = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_v";
        // A constant row would see nothing: what it multiplies has a mean of zero.
        float[] wave = [.. Enumerable.Range(0, 64).Select(i => MathF.Sin(i))];
        SafetensorsWriter.Write(Work["lora.safetensors"], new Dictionary<string, HostTensor>
        {
            [$"{Module}.lora_A.weight"] = HostTensor.From(wave, new Shape(1, 64)),
            [$"{Module}.lora_B.weight"] = HostTensor.From(wave, new Shape(64, 1)),
        });
        Sample("none", "--model", Work["sd"]);
        Sample("zero", "--model", Work["sd"], "--lora", Work["lora.safetensors"] + "@0");
        Sample("whole", "--model", Work["sd"], "--lora", Work["lora.safetensors"]);
        Assert.That(Picture("zero"), Is.EqualTo(Picture("none")));
        Assert.That(Picture("whole"), Is.Not.EqualTo(Picture("none")));
    }

    [Test]
    public void Mistakes_are_named()
    {
        string[] sample = ["sample", "--model", Work["sd"], "--prompt", "x", "--device", "cpu", "--out", Work["never"]];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Cudattr.Fail([.. sample, "--lora", "x.safetensors@much"]), Does.Contain("the strength is expected"));
            Assert.That(Cudattr.Fail([.. sample, "--lora", Work["absent.safetensors"]]), Does.Contain("absent.safetensors"));
            Assert.That(Cudattr.Fail([.. sample, "--config", Work["sd/model_index.json"]]), Does.Contain("configures a StableDiffusionPipeline"));
            Assert.That(Cudattr.Fail([.. sample, "--prediction-type", "epsilon"]), Does.Contain("scheduler_config.json says"));
            Assert.That(Cudattr.Run([.. sample, "--prediction-type", "velocity"]).Error, Does.Contain("use epsilon or v_prediction"));
            Assert.That(Cudattr.Fail("bench", "--config", Config), Does.Contain("belong to --model"));
            Assert.That(Cudattr.Fail("convert", "--model", Work["sd"], "--out", Work["sd"]), Does.Contain("is the model itself"));
            Assert.That(
                Cudattr.Fail("convert", "--model", Path.Combine(AppContext.BaseDirectory, "models/source"), "--out", Work["pixels.safetensors"]),
                Does.Contain("has no autoencoder"));
            Assert.That(File.Exists(Work["pixels.safetensors"]), Is.False);
            File.WriteAllText(Work["broken.ckpt"], "not a checkpoint");
            Assert.That(Cudattr.Fail("convert", "--model", Work["broken.ckpt"], "--out", Work["never"]), Does.Contain("broken.ckpt"));
            Assert.That(Directory.Exists(Work["never/model"]), Is.False);
        }
    }

    private static string Sample(string name, params string[] options) => Cudattr.Succeed(
        ["sample", "--prompt", "a photo", "--sample-steps", "2", "--device", "cpu", "--out", Work[name], .. options]).Error;

    private static byte[] Picture(string name) => File.ReadAllBytes(Work[$"{name}/images/0000.png"]);
}
