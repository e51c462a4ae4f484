using CudaAttribution.Models.Files;
using CudaAttribution.Models.Files.SingleFile;
using CudaAttribution.Models.Layers;
using CudaAttribution.Models.Text;
using CudaAttribution.Models.UNet;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Files;

/// <summary>Names of the full-size models in both layouts, against a list that does not derive one from the other.</summary>
public class LdmNamesTests
{
    private static readonly StableDiffusionFamily[] Families = [StableDiffusionFamily.V1, StableDiffusionFamily.V2];

    [TestCaseSource(nameof(Families))]
    public void EveryNameOfAFullSizeFileIsMapped(StableDiffusionFamily family)
    {
        var names = WeightFixtures.FullSizeNames(family);
        using var file = SingleFileCheckpoint.From(new NamesOnly("full", names.Select(n => (n.Ldm, n.Shape))));
        var expected = names.SelectMany(n => n.Diffusers).ToArray();
        Assert.That(file.Family, Is.EqualTo(family));
        Assert.That(
            file.UNet.Weights.Keys.Concat(file.Vae.Weights.Keys).Concat(file.TextEncoder.Weights.Keys), Is.EquivalentTo(expected));
        Assert.That(file.Ignored, Is.EquivalentTo(names.Where(n => n.Diffusers.Length == 0).Select(n => n.Ldm)));
        Assert.That(Count(file.UNet), Is.EqualTo((family == StableDiffusionFamily.V1 ? 859_520_964 : 865_910_724, 686)));
        Assert.That(Count(file.Vae), Is.EqualTo((83_653_863, 248)));
        Assert.That(Count(file.TextEncoder), Is.EqualTo(family == StableDiffusionFamily.V1 ? (123_060_480, 196) : (340_387_840, 372)));
    }

    [TestCaseSource(nameof(Families))]
    public void EachNameIsTheRightOneInBothDirections(StableDiffusionFamily family)
    {
        foreach (var (ldm, diffusers, _) in WeightFixtures.FullSizeNames(family))
        {
            foreach (string name in diffusers)
            {
                Assert.That(ToDiffusers(ldm), Does.Contain(name));
                Assert.That(ToLdm(name, family), Is.EqualTo(ldm));
            }
        }
    }

    [TestCaseSource(nameof(Families))]
    public void TheModelsOfThisProgramHaveTheseNamesAndShapes(StableDiffusionFamily family)
    {
        using var file = SingleFileCheckpoint.From(
            new NamesOnly("full", WeightFixtures.FullSizeNames(family).Select(n => (n.Ldm, n.Shape))));
        using var device = ComputeDevice.Open("cpu");
        using var parameters = new ParameterSet(device);
        var scope = new ParameterScope(parameters, new WeightInit());
        _ = new UNet2DConditionModel(WeightShapes.UNet(file.UNet), scope["unet"]);
        _ = new ClipTextModel(WeightShapes.TextEncoder(file.TextEncoder, family), scope["text"]);
        foreach (var (prefix, source) in new[] { ("unet.", file.UNet), ("text.", file.TextEncoder) })
        {
            string[] names = [.. parameters.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal))];
            Assert.That(source.Weights.Keys, Is.EquivalentTo(names.Select(n => n[prefix.Length..])));
            foreach (string name in names)
            {
                Assert.That(source.Weights[name[prefix.Length..]].Shape, Is.EqualTo(WeightMap.FileShape(parameters[name].Shape)), name);
            }
        }
    }

    [TestCase("input_blocks.3.0.in_layers.0.weight")]
    [TestCase("input_blocks.12.0.in_layers.0.weight")]
    [TestCase("input_blocks.01.0.in_layers.0.weight")]
    [TestCase("input_blocks.1.2.norm.weight")]
    [TestCase("input_blocks.1.0.in_layers.1.weight")]
    [TestCase("input_blocks.12.0.op.weight")]
    [TestCase("output_blocks.2.2.conv.weight")]
    [TestCase("output_blocks.5.1.conv.weight")]
    [TestCase("output_blocks.11.2.conv.weight")]
    [TestCase("output_blocks.12.0.in_layers.0.weight")]
    [TestCase("output_blocks.-1.0.in_layers.0.weight")]
    [TestCase("middle_block.3.in_layers.0.weight")]
    [TestCase("label_emb.0.0.weight")]
    [TestCase("out.1.weight")]
    [TestCase("")]
    public void NamesThatAUNetDoesNotHaveAreNotMapped(string name) =>
        Assert.That(LdmUNetNames.ToDiffusers(name, UNetLayout.StableDiffusion), Is.Null);

    [TestCase("encoder.down.4.block.0.norm1.weight")]
    [TestCase("encoder.down.0.attn.0.norm.weight")]
    [TestCase("encoder.mid.attn_1.r.weight")]
    [TestCase("encoder.mid.block_3.norm1.weight")]
    [TestCase("loss.logvar")]
    public void NamesThatAnAutoencoderDoesNotHaveAreNotMapped(string name) => Assert.That(LdmVaeNames.ToDiffusers(name, 4), Is.Null);

    [TestCase("down_blocks.3.downsamplers.0.conv.weight")]
    [TestCase("down_blocks.0.resnets.2.norm1.weight")]
    [TestCase("up_blocks.3.upsamplers.0.conv.weight")]
    [TestCase("up_blocks.0.resnets.3.norm1.weight")]
    [TestCase("mid_block.resnets.2.norm1.weight")]
    [TestCase("add_embedding.linear_1.weight")]
    public void NamesThatDiffusersDoesNotHaveAreNotMappedBack(string name) =>
        Assert.That(LdmUNetNames.ToLdm(name, UNetLayout.StableDiffusion), Is.Null);

    [Test]
    public void TheLayoutIsThatOfTheConfiguration()
    {
        var config = new UNetConfig { SampleSize = 64 };
        var (expected, actual) = (UNetLayout.StableDiffusion, UNetLayout.Of(config));
        Assert.That((actual.Levels, actual.LayersPerBlock), Is.EqualTo((expected.Levels, expected.LayersPerBlock)));
        Assert.That(actual.UpAttends, Is.EqualTo(expected.UpAttends));
        Assert.That(UNetLayout.OfLdm(["input_blocks.0.0.weight", "input_blocks.2.0.in_layers.0.weight"]), Is.Null);
        Assert.That(UNetLayout.OfLdm([]), Is.Null);
    }

    [Test]
    public void AnEmaNameIsThePathWithoutDots() => Assert.That(
        LdmNames.EmaOf("input_blocks.0.0.weight"), Is.EqualTo("model_ema.diffusion_modelinput_blocks00weight"));

    private static string[] ToDiffusers(string name)
    {
        if (name.StartsWith(LdmNames.UNetPrefix)) return [LdmUNetNames.ToDiffusers(name[LdmNames.UNetPrefix.Length..], UNetLayout.StableDiffusion)!];
        if (name.StartsWith(LdmNames.VaePrefix)) return [LdmVaeNames.ToDiffusers(name[LdmNames.VaePrefix.Length..], 4)!];
        if (name.StartsWith(LdmNames.ClipPrefix)) return [LdmNames.ClipToTransformers(name[LdmNames.ClipPrefix.Length..])!];
        return OpenClipNames.ToTransformers(name[LdmNames.OpenClipPrefix.Length..]);
    }

    private static string ToLdm(string name, StableDiffusionFamily family)
    {
        if (name.StartsWith("text_model."))
        {
            return family == StableDiffusionFamily.V1 ? LdmNames.ClipPrefix + name : LdmNames.OpenClipPrefix + OpenClipNames.ToOpenClip(name).Name;
        }
        if (LdmVaeNames.ToLdm(name, 4) is { } vae) return LdmNames.VaePrefix + vae;
        return LdmNames.UNetPrefix + LdmUNetNames.ToLdm(name, UNetLayout.StableDiffusion);
    }

    private static (long Parameters, int Tensors) Count(IWeightSource source) =>
        (source.Weights.Values.Sum(w => w.Shape.Count), source.Weights.Count);
}
