using CudaAttribution.Images;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Descriptors;
using CudaAttribution.Tensors;
using NUnit.Framework;

namespace CudaAttribution.Models.Tests.Descriptors;

/// <summary>A descriptor as a thing with a file, an identity and pictures.</summary>
public class SscdModelTests : DeviceFixture
{
    private static readonly SscdConfig Tiny = SscdConfig.Small with { Width = 2, Dimensions = 6, ImageSize = 8, Blocks = [1, 1, 1, 1] };

    [Test]
    public void TheSmallOneHasTheParametersThatItsDocumentationSays()
    {
        using var model = SscdModel.Create(SscdConfig.Small, Device, 1);
        Assert.That(model.ParameterCount, Is.EqualTo(716_688));
    }

    [Test]
    public void DescriptorsHaveUnitLengthAndDependOnNoOtherPicture()
    {
        using var model = SscdModel.Create(Tiny, Device, 1);
        RgbImage[] pictures = [.. Enumerable.Range(0, 5).Select(i => Picture(i, 12, 9))];
        float[] all = model.Embed(pictures);
        for (int i = 0; i < pictures.Length; i++)
        {
            float[] alone = model.Embed([pictures[i]]);
            Assert.That(alone, Is.EqualTo(all[(6 * i)..(6 * (i + 1))]));
            Assert.That(alone.Sum(v => (double)v * v), Is.EqualTo(1).Within(1e-6));
        }
        Assert.That(model.Embed([]), Is.Empty);
    }

    // By hand: 0 and 255 less ImageNet's mean, over its deviation; a picture of another size is first resized, each axis on its own.
    [Test]
    public void PicturesAreNormalisedAsThePublishedNetworksWere()
    {
        var input = new PictureInput(Tiny);
        var values = new float[input.Length];
        input.Write(RgbImage.Filled(3, 20, 255, 0, 51), values);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(values, Has.Length.EqualTo(3 * 8 * 8));
            Assert.That(values[0], Is.EqualTo(2.2489083).Within(1e-6));
            Assert.That(values[1], Is.EqualTo(-2.0357144).Within(1e-6));
            Assert.That(values[191], Is.EqualTo((0.2 - 0.406) / 0.225).Within(1e-6));
        }
    }

    [Test]
    public void TheIdentityIsOfWeightsAndConfiguration()
    {
        using var model = SscdModel.Create(Tiny, Device, 1);
        using var same = SscdModel.Create(Tiny, Device, 1);
        using var otherWeights = SscdModel.Create(Tiny, Device, 2);
        using var otherSide = SscdModel.Create(Tiny with { ImageSize = 16 }, Device, 1);
        Assert.That(same.Identity(), Is.EqualTo(model.Identity()));
        Assert.That(new[] { otherWeights.Identity(), otherSide.Identity() }, Has.None.EqualTo(model.Identity()));
        model.Save(Folder["half"], DType.F16);
        using var half = SscdModel.Load(Folder["half"], Device);
        Assert.That(half.Identity(), Is.Not.EqualTo(model.Identity()), "rounded weights are other weights");
    }

    [TestCase("\"width\": 2", "\"width\": 0", "width is 0")]
    [TestCase("\"width\": 2", "\"width\": 3", "misshapen")]
    [TestCase("\"Keeping\"", "\"Wide\"", "stem")]
    [TestCase("\"Keeping\"", "7", "stem is 7")]
    [TestCase("\"image_size\": 8", "\"image_size\": 100000", "image_size is 100000")]
    [TestCase("\"image_size\": 8,", "", "image_size")]
    [TestCase("\"width\"", "\"wdth\"", "wdth")]
    [TestCase("{", "", "config.json")]
    public void AConfigurationThatDoesNotFitIsRefused(string from, string to, string named)
    {
        using (var model = SscdModel.Create(Tiny, Device, 1)) model.Save(Folder["d"]);
        string path = Folder["d", "config.json"], json = File.ReadAllText(path);
        Assert.That(json, Does.Contain(from));
        File.WriteAllText(path, from == "{" ? json[1..] : json.Replace(from, to, StringComparison.Ordinal));
        Assert.That(() => SscdModel.Load(Folder["d"], Device), Throws.TypeOf<ModelFileException>().With.Message.Contains(named));
    }

    [Test]
    public void WhatIsNoDescriptorIsRefused()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => SscdModel.Load(Folder["nothing"], Device), Throws.TypeOf<ModelFileException>().With.Message.Contains("nothing"));
            Assert.That(
                () => SscdModel.Load(Golden.PathOf("weights/resnet18.pth"), Device),
                Throws.TypeOf<ModelFileException>().With.Message.Contains("no descriptor in torchvision's form").And.Message.Contains("bn1.bias"));
            Assert.That(
                () => SscdModel.Load(Golden.PathOf("weights/malicious_system.ckpt"), Device),
                Throws.TypeOf<ModelFileException>().With.Message.Contains("no file of tensors needs"));
        }
        File.Copy(Golden.PathOf("weights/sscd.torchvision.pt"), Folder["cut.pt"]);
        using (var file = File.OpenWrite(Folder["cut.pt"])) file.SetLength(file.Length / 2);
        Assert.That(() => SscdModel.Load(Folder["cut.pt"], Device), Throws.TypeOf<ModelFileException>());
    }

    internal static RgbImage Picture(int seed, int width, int height)
    {
        var draws = new PhiloxSequence((ulong)seed, Philox.Stream("picture"));
        var pixels = new byte[3 * width * height];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)draws.Next(256);
        return new RgbImage(width, height, pixels);
    }
}
