using System.Text.Json.Nodes;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Diffusion;
using CudaAttribution.Models.Files;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Models.Files.Sources;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Files;

/// <summary>Models opened as folders and single files, with other configurations and adapters, and written in the other form.</summary>
public class ModelSourceTests : DeviceFixture
{
    /// <summary>As large as what shapes do not say demands: 32 groups, 8 heads, text 64 wide.</summary>
    private static readonly UNetConfig SmallV1 = new()
    {
        SampleSize = 8, BlockOutChannels = [32, 64], LayersPerBlock = 1, DownBlockTypes = ["CrossAttnDownBlock2D", "DownBlock2D"],
        UpBlockTypes = ["UpBlock2D", "CrossAttnUpBlock2D"], AttentionHeadDim = 8, CrossAttentionDim = 64,
    };

    private static readonly AutoencoderKLConfig SmallVae = new() { BlockOutChannels = [32, 32], SampleSize = 16, ScalingFactor = 0.18215 };

    private static readonly ClipTextConfig SmallText =
        new() { HiddenSize = 64, IntermediateSize = 64, NumHiddenLayers = 1, NumAttentionHeads = 1 };

    [Test]
    public void ASingleFileGivesThePicturesOfItsFolder([Values] StableDiffusionFamily family)
    {
        string folder = Save(family), file = Folder["single.safetensors"];
        ModelConverter.ToSingleFile(folder, file);
        // Shapes do not say the side of a latent: 64 or 96 is taken, too much for a test.
        var single = new ModelReference(file) { Configs = [Path.Combine(folder, "unet", "config.json")] };
        using var expected = DiffusionModel.Load(folder, Device);
        using var actual = DiffusionModel.Load(single, Device);
        Assert.That(actual.WeightsHash(), Is.EqualTo(expected.WeightsHash()));
        Assert.That(actual.Scheduler, Is.EqualTo(expected.Scheduler));
        Assert.That(actual.Tokenizer.Encode(["a photo"]), Is.EqualTo(expected.Tokenizer.Encode(["a photo"])));
        Assert.That(Picture(actual), Is.EqualTo(Picture(expected)));
    }

    [Test]
    public void WhatWasDerivedIsTold()
    {
        string folder = Save(StableDiffusionFamily.V1), file = Folder["single.safetensors"];
        ModelConverter.ToSingleFile(folder, file);
        using var derived = DiffusionModel.Load(file, Device);
        Assert.That(derived.UNet.Config.ToJson(), Is.EqualTo((SmallV1 with { SampleSize = 64 }).ToJson()));
        Assert.That(derived.Vae!.Config.ToJson(), Is.EqualTo((SmallVae with { SampleSize = 128 }).ToJson()));
        Assert.That(derived.TextEncoder.Config, Is.EqualTo(SmallText));
        Assert.That(derived.Derivation, Does.Contain("Stable Diffusion V1").And.Contain("\"block_out_channels\":[32,64]"));
        Assert.That(derived.Derivation, Does.Contain("modelspec.prediction_type").And.Contain("\"scaling_factor\":0.18215"));

        using var given = DiffusionModel.Load(
            new ModelReference(file) { Configs = [Path.Combine(folder, "unet", "config.json")], Prediction = PredictionType.VPrediction }, Device);
        Assert.That(given.Derivation, Does.Contain("unet (given)").And.Contain("prediction type: given"));
        Assert.That(given.Scheduler.PredictionType, Is.EqualTo(PredictionType.VPrediction));
        using var whole = DiffusionModel.Load(folder, Device);
        Assert.That(whole.Derivation, Is.Null);
    }

    [Test]
    public void ConvertedThereAndBackIsTheSameFile()
    {
        string folder = Save(StableDiffusionFamily.V2), first = Folder["a.safetensors"], second = Folder["b.safetensors"];
        ModelConverter.ToSingleFile(folder, first);
        string[] configs = [Path.Combine(folder, "unet", "config.json"), Path.Combine(folder, "scheduler", "scheduler_config.json")];
        var result = ModelConverter.ToFolder(new ModelReference(first) { Configs = configs }, Folder["again"]);
        Assert.That(result.Derivation, Does.Contain("Stable Diffusion V2"));
        foreach (string part in (string[])["unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors",
            "text_encoder/model.safetensors", "unet/config.json", "text_encoder/config.json", "vae/config.json", "model_index.json"])
        {
            Assert.That(File.ReadAllBytes(Path.Combine(Folder["again"], part)), Is.EqualTo(File.ReadAllBytes(Path.Combine(folder, part))), part);
        }
        ModelConverter.ToSingleFile(Folder["again"], second);
        Assert.That(File.ReadAllBytes(second), Is.EqualTo(File.ReadAllBytes(first)));
        using var model = DiffusionModel.Load(folder, Device);
        Assert.That(result.Parameters, Is.EqualTo(WeightCount(model)));
    }

    [Test]
    public void HalfPrecisionIsStoredWhereAsked()
    {
        string folder = Save(StableDiffusionFamily.V1);
        ModelConverter.ToFolder(folder, Folder["half"], DType.F16);
        using var file = SafetensorsFile.Open(Folder["half", "unet", "diffusion_pytorch_model.safetensors"]);
        Assert.That(file.Tensors.Values.Select(t => t.Type), Is.All.EqualTo(DType.F16));
        using var loaded = DiffusionModel.Load(Folder["half"], Device);
        Assert.That(loaded.UNet.Config.ToJson(), Is.EqualTo(SmallV1.ToJson()));
    }

    /// <summary>An adapter of rank 1 on one matrix: the weight changes by scale · up · down and nothing else does.</summary>
    [TestCase(1f)]
    [TestCase(-0.5f)]
    public void AnAdapterIsMergedWhileLoading(float scale)
    {
        const string Module = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
        string folder = Save(StableDiffusionFamily.V1);
        float[] down = [.. Enumerable.Range(0, 64).Select(i => MathF.Sin(i))], up = [.. Enumerable.Range(0, 64).Select(i => MathF.Cos(i))];
        SafetensorsWriter.Write(Folder["lora.safetensors"], new Dictionary<string, HostTensor>
        {
            [$"unet.{Module}.lora_A.weight"] = HostTensor.From(down, new Shape(1, 64)),
            [$"unet.{Module}.lora_B.weight"] = HostTensor.From(up, new Shape(64, 1)),
        });
        var reference = new ModelReference(folder) { Adapters = [new AdapterReference(Folder["lora.safetensors"], scale)] };
        ModelConverter.ToFolder(reference, Folder["merged"]);
        using var plain = SafetensorsFile.Open(Path.Combine(folder, "unet", "diffusion_pytorch_model.safetensors"));
        using var merged = SafetensorsFile.Open(Folder["merged", "unet", "diffusion_pytorch_model.safetensors"]);
        foreach (string name in plain.Tensors.Keys)
        {
            float[] before = plain.Read(name).ToF32(), after = merged.Read(name).ToF32();
            if (name == $"{Module}.weight") before = [.. before.Select((v, i) => v + scale * up[i / 64] * down[i % 64])];
            Assert.That(after, name == $"{Module}.weight" ? Is.EqualTo(before).Within(1e-6f) : Is.EqualTo(before), name);
        }
        using var loaded = DiffusionModel.Load(reference, Device);
        using var saved = DiffusionModel.Load(Folder["merged"], Device);
        Assert.That(loaded.WeightsHash(), Is.EqualTo(saved.WeightsHash()));
        using var without = DiffusionModel.Load(folder, Device);
        Assert.That(loaded.WeightsHash(), Is.Not.EqualTo(without.WeightsHash()));
    }

    /// <summary>As diffusers names what a pipeline does not have.</summary>
    [Test]
    public void AbsentPartsMayBeNamed()
    {
        string folder = Save(StableDiffusionFamily.V1), path = Path.Combine(folder, "model_index.json");
        var index = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (string part in (string[])["safety_checker", "feature_extractor", "image_encoder"]) index[part] = new JsonArray(null, null);
        index["controlnet"] = new JsonArray(null, null);
        File.WriteAllText(path, index.ToJsonString());
        DiffusionModel.Load(folder, Device).Dispose();

        using (var pixels = Tiny.Model(Device)) pixels.Save(Folder["pixels"]);
        path = Folder["pixels", "model_index.json"];
        index = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        index["vae"] = new JsonArray(null, null);
        File.WriteAllText(path, index.ToJsonString());
        using var model = DiffusionModel.Load(Folder["pixels"], Device);
        Assert.That(model.Vae, Is.Null);
    }

    [Test]
    public void WhatAFormDoesNotHaveIsRefused()
    {
        string folder = Save(StableDiffusionFamily.V1), file = Folder["single.safetensors"];
        ModelConverter.ToSingleFile(folder, file);
        string unet = Path.Combine(folder, "unet", "config.json"), scheduler = Path.Combine(folder, "scheduler", "scheduler_config.json");
        var single = new ModelReference(file);
        Refused(new ModelReference(folder) { UNetWeights = UNetWeights.Ema }, "only single files");
        Refused(new ModelReference(folder) { Prediction = PredictionType.Epsilon }, "scheduler_config.json says");
        Refused(single with { UNetWeights = UNetWeights.Ema }, "no complete moving average");
        Refused(single with { Configs = [unet, unet] }, "both configurations of a UNet2DConditionModel");
        Refused(single with { Configs = [scheduler], Prediction = PredictionType.VPrediction }, "given twice");
        Refused(single with { Configs = [Path.Combine(folder, "model_index.json")] }, "configures a StableDiffusionPipeline");
        Refused(single with { Adapters = [new AdapterReference(file)] }, "no LoRA adapter");
        File.WriteAllText(Folder["empty.json"], "{}");
        Refused(single with { Configs = [Folder["empty.json"]] }, "does not say what it configures");
        Refused(Folder["nothing"], "does not exist");
        File.WriteAllText(Folder["wide.json"], (SmallV1 with { BlockOutChannels = [32, 96] }).ToJson());
        Refused(single with { Configs = [Folder["wide.json"]] }, "misshapen");
        using (var pixels = Tiny.Model(Device)) pixels.Save(Folder["pixels"]);
        Assert.That(
            () => ModelConverter.ToSingleFile(Folder["pixels"], Folder["p.safetensors"]),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("has no autoencoder"));
        Assert.That(File.Exists(Folder["p.safetensors"]), Is.False);
        Refused(new ModelReference(Folder["pixels"]) { Configs = [Path.Combine(folder, "vae", "config.json")] }, "no autoencoder that could be");

        void Refused(ModelReference reference, string word) => Assert.That(
            () => DiffusionModel.Load(reference, Device).Dispose(), Throws.TypeOf<ModelFileException>().With.Message.Contains(word));
    }

    private string Save(StableDiffusionFamily family)
    {
        bool v2 = family == StableDiffusionFamily.V2;
        var unet = v2 ? SmallV1 with { AttentionHeadDim = new[] { 1, 1 }, UseLinearProjection = true, BlockOutChannels = [64, 64] } : SmallV1;
        var text = v2 ? SmallText with { HiddenAct = "gelu" } : SmallText;
        var scheduler = new SchedulerConfig { PredictionType = v2 ? PredictionType.VPrediction : PredictionType.Epsilon };
        var tokenizer = ClipTokenizer.OpenAI(v2 ? "!" : ClipTokenizer.EndOfText);
        using var model = DiffusionModel.Create(new ModelIndex(unet, text, tokenizer, scheduler, SmallVae), Device, seed: 3, ModelUse.Sampling);
        model.Save(Folder["folder"]);
        return Folder["folder"];
    }

    private static byte[] Picture(DiffusionModel model) =>
        new Sampler(model, new SampleOptions { Steps = 2 }).Sample(SampleRequest.For(["a photo of a cat"], seed: 1)).Pixels;

    private static long WeightCount(DiffusionModel model)
    {
        using var device = ComputeDevice.Open("cpu");
        var shapes = new ParameterSet(device);
        _ = new AutoencoderKL(SmallVae, new ParameterScope(shapes, new WeightInit()));
        return model.UNetParameterCount + model.TextEncoderParameterCount + shapes.Count;
    }
}
