using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Models.Schedulers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Models.Vae;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Files;

/// <summary>Configurations read off the shapes of weights.</summary>
public class WeightShapesTests
{
    [Test]
    public void StableDiffusion15()
    {
        using var file = FullSize(StableDiffusionFamily.V1);
        var expected = new UNetConfig { SampleSize = 64, CrossAttentionDim = 768 };
        Assert.That(WeightShapes.UNet(file.UNet).ToJson(), Is.EqualTo(expected.ToJson()));
        Assert.That(
            WeightShapes.TextEncoder(file.TextEncoder, StableDiffusionFamily.V1),
            Is.EqualTo(new ClipTextConfig { HiddenSize = 768, IntermediateSize = 3072, NumAttentionHeads = 12 }));
        RequireVae(WeightShapes.Vae(file.Vae), Vae([128, 256, 512, 512], groups: 32, side: 512));
    }

    [Test]
    public void StableDiffusion21WithEitherPrediction([Values] PredictionType prediction)
    {
        using var file = FullSize(StableDiffusionFamily.V2);
        bool large = prediction == PredictionType.VPrediction;
        var expected = new UNetConfig
        {
            SampleSize = large ? 96 : 64, CrossAttentionDim = 1024, AttentionHeadDim = new[] { 5, 10, 20, 20 }, UseLinearProjection = true,
            UpcastAttention = large,
        };
        Assert.That(WeightShapes.UNet(file.UNet, new DerivationOptions { Prediction = prediction }).ToJson(), Is.EqualTo(expected.ToJson()));
        Assert.That(WeightShapes.UNet(file.UNet).SampleSize, Is.EqualTo(96), "velocity unless another is given");
        Assert.That(
            WeightShapes.TextEncoder(file.TextEncoder, StableDiffusionFamily.V2),
            Is.EqualTo(new ClipTextConfig
            {
                HiddenSize = 1024, IntermediateSize = 4096, NumAttentionHeads = 16, NumHiddenLayers = 23, HiddenAct = "gelu",
            }));
        RequireVae(WeightShapes.Vae(file.Vae), Vae([128, 256, 512, 512], groups: 32, side: 512));
    }

    [Test]
    public void ReducedModelsNeedWhatShapesDoNotSay()
    {
        using var file = SingleFileCheckpoint.Open(
            WeightFixtures.PathOf("single_v2.safetensors"), new SingleFileOptions { OpenClipLayers = 2 });
        Assert.That(() => WeightShapes.UNet(file.UNet), Refuses("channels 4, 8 are no multiples of 64"));
        Assert.That(() => WeightShapes.UNet(file.UNet, new DerivationOptions { AttentionHeads = 1 }), Refuses("norm_num_groups = 32"));
        var options = new DerivationOptions
        {
            AttentionHeads = new[] { 1, 2 }, NormNumGroups = 4, SampleSize = 8, TextHeads = 2, Prediction = PredictionType.Epsilon,
        };
        var expected = new UNetConfig
        {
            SampleSize = 8, BlockOutChannels = [4, 8], DownBlockTypes = ["CrossAttnDownBlock2D", "DownBlock2D"],
            UpBlockTypes = ["UpBlock2D", "CrossAttnUpBlock2D"], AttentionHeadDim = new[] { 1, 2 }, CrossAttentionDim = 8, NormNumGroups = 4,
            UseLinearProjection = true,
        };
        Assert.That(WeightShapes.UNet(file.UNet, options).ToJson(), Is.EqualTo(expected.ToJson()));
        Assert.That(() => WeightShapes.TextEncoder(file.TextEncoder, file.Family), Refuses("its width 8 is no multiple of 64"));
        Assert.That(
            WeightShapes.TextEncoder(file.TextEncoder, file.Family, options),
            Is.EqualTo(new ClipTextConfig
            {
                VocabSize = 11, HiddenSize = 8, IntermediateSize = 32, NumHiddenLayers = 2, NumAttentionHeads = 2, MaxPositionEmbeddings = 6,
                HiddenAct = "gelu",
            }));
        Assert.That(() => WeightShapes.Vae(file.Vae), Refuses("block_out_channels has 4, which is not divisible by norm_num_groups = 32"));
        RequireVae(WeightShapes.Vae(file.Vae, options), Vae([4, 4], groups: 4, side: 16));
    }

    [TestCase("conv_in.weight")]
    [TestCase("mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight")]
    [TestCase("down_blocks.0.resnets.0.conv1.weight")]
    public void AMissingTensorIsNamed(string name)
    {
        using var file = FullSize(StableDiffusionFamily.V1);
        var part = new WeightView("part");
        foreach (string n in file.UNet.Weights.Keys.Where(n => n != name)) part.Add(n, file.UNet, n);
        Assert.That(() => WeightShapes.UNet(part), Refuses($"'{name}'"));
    }

    [Test]
    public void AMisshapenTensorIsNamed()
    {
        using var file = FullSize(StableDiffusionFamily.V1);
        var changed = new NamesOnly("changed", file.UNet.Weights.Select(w => (w.Key, w.Key == "conv_in.weight" ? new Shape(320, 4) : w.Value.Shape)));
        Assert.That(() => WeightShapes.UNet(changed), Refuses("'conv_in.weight' is [320,4], 4 axes are needed"));
        Assert.That(() => WeightShapes.Vae(file.UNet), Refuses("'encoder.down_blocks.0.resnets.0.conv1.weight'"));
        Assert.That(() => WeightShapes.TextEncoder(file.UNet, StableDiffusionFamily.V1), Refuses("token_embedding"));
    }

    private static NUnit.Framework.Constraints.Constraint Refuses(string reason) =>
        Throws.TypeOf<ModelFileException>().With.Message.Contains(reason).And.Message.Contains("Give it as a config.json");

    private static SingleFileCheckpoint FullSize(StableDiffusionFamily family) =>
        SingleFileCheckpoint.From(new NamesOnly("full", WeightFixtures.FullSizeNames(family).Select(n => (n.Ldm, n.Shape))));

    private static AutoencoderKLConfig Vae(int[] channels, int groups, int side) =>
        new() { BlockOutChannels = channels, LayersPerBlock = 2, NormNumGroups = groups, SampleSize = side };

    private static void RequireVae(AutoencoderKLConfig actual, AutoencoderKLConfig expected) =>
        Assert.That(actual.ToJson(), Is.EqualTo(expected.ToJson()));
}
