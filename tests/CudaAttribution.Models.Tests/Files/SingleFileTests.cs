using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Files;

/// <summary>Single files of reduced size, against what PyTorch holds and an independent list of names.</summary>
public class SingleFileTests
{
    private static readonly SingleFileOptions TwoLayers = new() { OpenClipLayers = 2 };

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp() => _folder = new TemporaryFolder();

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void ACheckpointOfV1IsReadAsDiffusersHasIt([Values] UNetWeights weights)
    {
        using var expected = WeightFixtures.Json("single_v1.json");
        using var file = SingleFileCheckpoint.Open(WeightFixtures.PathOf("single_v1.ckpt"), new SingleFileOptions { UNetWeights = weights });
        Assert.That((file.Family, file.HasEma, file.DefaultPrediction), Is.EqualTo((StableDiffusionFamily.V1, true, PredictionType.Epsilon)));
        WeightFixtures.RequireEqual(file.UNet, expected.RootElement.GetProperty(weights == UNetWeights.Ema ? "unet_ema" : "unet"), "unet");
        WeightFixtures.RequireEqual(file.Vae, expected.RootElement.GetProperty("vae"), "vae");
        WeightFixtures.RequireEqual(file.TextEncoder, expected.RootElement.GetProperty("text_encoder"), "text_encoder");
        string other = weights == UNetWeights.Ema ? "model.diffusion_model.out.0.weight" : "model_ema.diffusion_modelout0weight";
        Assert.That(file.Ignored, Is.SupersetOf((string[])["betas", "model_ema.decay", "first_stage_model.loss.logvar", other]));
    }

    [Test]
    public void AFileOfV2IsReadAsDiffusersHasIt()
    {
        using var expected = WeightFixtures.Json("single_v2.json");
        using var file = SingleFileCheckpoint.Open(WeightFixtures.PathOf("single_v2.safetensors"), TwoLayers);
        Assert.That((file.Family, file.HasEma, file.DefaultPrediction), Is.EqualTo((StableDiffusionFamily.V2, false, PredictionType.VPrediction)));
        WeightFixtures.RequireEqual(file.UNet, expected.RootElement.GetProperty("unet"), "unet");
        WeightFixtures.RequireEqual(file.Vae, expected.RootElement.GetProperty("vae"), "vae");
        WeightFixtures.RequireEqual(file.TextEncoder, expected.RootElement.GetProperty("text_encoder"), "text_encoder");
        Assert.That(
            file.Ignored,
            Is.SupersetOf((string[])
            [
                "cond_stage_model.model.logit_scale", "cond_stage_model.model.text_projection",
                "cond_stage_model.model.transformer.resblocks.2.ln_1.bias",
            ]));
    }

    [TestCase("v", StableDiffusionFamily.V1, null, PredictionType.VPrediction)]
    [TestCase("epsilon", StableDiffusionFamily.V2, null, PredictionType.Epsilon)]
    [TestCase(null, StableDiffusionFamily.V2, "875000", PredictionType.Epsilon)]
    [TestCase(null, StableDiffusionFamily.V2, "140000", PredictionType.VPrediction)]
    [TestCase(null, StableDiffusionFamily.V2, null, PredictionType.VPrediction)]
    [TestCase(null, StableDiffusionFamily.V1, "140000", PredictionType.Epsilon)]
    public void ThePredictionFollowsMetadataThenTheStep(string? said, StableDiffusionFamily family, string? step, PredictionType expected)
    {
        var metadata = new Dictionary<string, string>();
        if (said is not null) metadata["modelspec.prediction_type"] = said;
        if (step is not null) metadata["global_step"] = step;
        var names = WeightFixtures.FullSizeNames(family).Select(n => (n.Ldm, n.Shape));
        using var file = SingleFileCheckpoint.From(new NamesOnly("full", names) { Metadata = metadata });
        Assert.That(file.DefaultPrediction, Is.EqualTo(expected));
    }

    [Test]
    public void WrittenAsASingleFileAndReadAgainItIsTheSame([Values] StableDiffusionFamily family)
    {
        bool v1 = family == StableDiffusionFamily.V1;
        using var expected = WeightFixtures.Json(v1 ? "single_v1.json" : "single_v2.json");
        string path = WeightFixtures.PathOf(v1 ? "single_v1.ckpt" : "single_v2.safetensors");
        using var file = SingleFileCheckpoint.Open(path, TwoLayers);
        SingleFileWriter.Write(_folder["out.safetensors"], file.UNet, file.Vae, file.TextEncoder, family, PredictionType.VPrediction, DType.F32);
        using var original = WeightFiles.Open(path);
        using (var written = SafetensorsFile.Open(_folder["out.safetensors"]))
        {
            Assert.That(written.Weights.Keys, Is.EquivalentTo(original.Weights.Keys.Except(file.Ignored)));
            foreach (string name in written.Weights.Keys)
            {
                Assert.That(written.Weights[name].Shape, Is.EqualTo(original.Weights[name].Shape), name);
                Assert.That(written.ReadF32(name), Is.EqualTo(original.ReadF32(name)), name);
            }
        }
        using var again = SingleFileCheckpoint.Open(_folder["out.safetensors"], TwoLayers);
        Assert.That((again.Family, again.DefaultPrediction), Is.EqualTo((family, PredictionType.VPrediction)));
        WeightFixtures.RequireEqual(again.TextEncoder, expected.RootElement.GetProperty("text_encoder"), "text_encoder");
        WeightFixtures.RequireEqual(again.UNet, expected.RootElement.GetProperty("unet"), "unet");
        WeightFixtures.RequireEqual(again.Vae, expected.RootElement.GetProperty("vae"), "vae");
    }

    [Test]
    public void WeightsWithoutANameThereAreListed()
    {
        using var file = SingleFileCheckpoint.Open(WeightFixtures.PathOf("single_v2.safetensors"), TwoLayers);
        var more = new WeightView("more");
        foreach (string name in file.UNet.Weights.Keys) more.Add(name, file.UNet, name);
        more.Add("add_embedding.linear_1.weight", file.UNet, "conv_in.weight");
        Assert.That(
            () => SingleFileWriter.View(more, file.Vae, file.TextEncoder, StableDiffusionFamily.V2),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("1 weights have no name").And.Message.Contains("add_embedding"));
        Assert.That(
            () => SingleFileWriter.View(file.Vae, file.Vae, file.TextEncoder, StableDiffusionFamily.V2),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("not those of a diffusers UNet"));
        var part = new WeightView("part");
        foreach (string name in file.TextEncoder.Weights.Keys)
        {
            if (!name.Contains("layers.1.self_attn.k_proj")) part.Add(name, file.TextEncoder, name);
        }
        Assert.That(
            () => SingleFileWriter.View(file.UNet, file.Vae, part, StableDiffusionFamily.V2),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("queries, keys or values"));
    }

    [TestCase("model.diffusion_model.", "no UNet (model.diffusion_model.*)")]
    [TestCase("first_stage_model.", "no autoencoder (first_stage_model.*)")]
    [TestCase("cond_stage_model.", "no text encoder (cond_stage_model.transformer.* or cond_stage_model.model.*)")]
    [TestCase("model.diffusion_model.output_blocks.3", "not those of a UNet")]
    public void AnIncompleteFileIsRefused(string prefix, string reason) =>
        Refused(names => names.RemoveAll(n => n.Name.StartsWith(prefix, StringComparison.Ordinal)), reason);

    [TestCase("control_model.input_blocks.0.0.weight")]
    [TestCase("model.diffusion_model.label_emb.0.0.weight")]
    [TestCase("first_stage_model.encoder.down.0.attn.0.q.weight")]
    [TestCase("cond_stage_model.transformer.vision_model.weight")]
    [TestCase("betas2")]
    public void UnknownTensorsAreListed(string name) => Refused(
        names => names.Add((name, new Shape(1))), $"1 of its tensors are unknown and may change the computation: {name}");

    [Test]
    public void TwoTextEncodersAndAnIncompleteAverageAreRefused()
    {
        Refused(names => names.Add(("cond_stage_model.model.ln_final.bias", new Shape(768))), "text encoders of Stable Diffusion v1 and of v2");
        Refused(
            names => names.Add(("model_ema.diffusion_modelout2bias", new Shape(4))), "no complete moving average (EMA) of the UNet: 685 tensors",
            new SingleFileOptions { UNetWeights = UNetWeights.Ema });
        Refused(
            names => names.AddRange([.. names.Where(n => n.Name.StartsWith(LdmNames.UNetPrefix)).Select(n => (
                LdmNames.EmaOf(n.Name[LdmNames.UNetPrefix.Length..]), new Shape(1)))]),
            "is [1], 'model.diffusion_model.", new SingleFileOptions { UNetWeights = UNetWeights.Ema });
    }

    [Test]
    public void TextEncodersOfOlderFilesAreReadToo()
    {
        var names = WeightFixtures.FullSizeNames(StableDiffusionFamily.V1)
            .Select(n => (n.Ldm.Replace("transformer.text_model.", "transformer."), n.Shape))
            .Append(("cond_stage_model.transformer.embeddings.position_ids", new Shape(1, 77)));
        using var file = SingleFileCheckpoint.From(new NamesOnly("older", names));
        Assert.That(file.TextEncoder.Weights, Has.Count.EqualTo(196).And.ContainKey("text_model.final_layer_norm.bias"));
    }

    [Test]
    public void WhatIsNoFileOfWeightsIsRefusedWithItsName()
    {
        File.WriteAllText(_folder["x.ckpt"], "text");
        Assert.That(
            () => SingleFileCheckpoint.Open(_folder["x.ckpt"]), Throws.TypeOf<ModelFileException>().With.Message.Contains(_folder["x.ckpt"]));
        Assert.That(
            () => SingleFileCheckpoint.Open(WeightFixtures.PathOf("malicious_system.ckpt")),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("posix.system"));
        Assert.That(
            () => SingleFileCheckpoint.Open(WeightFixtures.PathOf("views_protocol2.pt")),
            Throws.TypeOf<ModelFileException>().With.Message.Contains("no complete Stable Diffusion"));
    }

    [Test]
    public void AttentionNamesOfOlderDiffusersAreReadAsTodays()
    {
        using var file = SingleFileCheckpoint.Open(WeightFixtures.PathOf("single_v2.safetensors"), TwoLayers);
        var older = new WeightView("older");
        foreach (var (name, info) in file.Vae.Weights)
        {
            string written = name.Replace(".to_q.", ".query.").Replace(".to_k.", ".key.").Replace(".to_v.", ".value.")
                .Replace(".to_out.0.", ".proj_attn.");
            bool convolution = written != name && info.Shape.Rank == 2 && name.StartsWith("encoder");
            var shape = convolution ? new Shape(info.Shape[0], info.Shape[1], 1, 1) : info.Shape;
            older.Add(written, file.Vae, name, shape);
        }
        Assert.That(older.Weights, Contains.Key("decoder.mid_block.attentions.0.proj_attn.weight"));
        using var expected = WeightFixtures.Json("single_v2.json");
        WeightFixtures.RequireEqual(VaeWeights.Current(older), expected.RootElement.GetProperty("vae"), "vae");
        WeightFixtures.RequireEqual(VaeWeights.Current(file.Vae), expected.RootElement.GetProperty("vae"), "vae");
    }

    private static void Refused(Action<List<(string Name, Shape Shape)>> change, string reason, SingleFileOptions? options = null)
    {
        var names = WeightFixtures.FullSizeNames(StableDiffusionFamily.V1).Select(n => (n.Ldm, n.Shape)).ToList();
        change(names);
        Assert.That(
            () => SingleFileCheckpoint.From(new NamesOnly("changed", names), options),
            Throws.TypeOf<ModelFileException>().With.Message.Contains(reason).And.Message.StartsWith("changed: "));
    }
}
