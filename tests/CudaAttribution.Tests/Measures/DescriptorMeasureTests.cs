using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Models.Configuration;
using CudaAttribution.Models.Descriptors;
using CudaAttribution.Runs;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;

namespace CudaAttribution.Tests.Measures;

/// <summary>The measures by a descriptor, against the formulas in double precision over the vectors that the descriptor gives.</summary>
public class DescriptorMeasureTests
{
    private static readonly SscdConfig Tiny = SscdConfig.Small with { Width = 2, Dimensions = 6, ImageSize = 8, Blocks = [1, 1, 1, 1] };

    private ComputeDevice _device = null!;
    private string _folder = null!;
    private SscdModel _model = null!;

    [OneTimeSetUp]
    public void Open()
    {
        (_device, _folder) = (ComputeDevice.Open("cpu", "kernels"), Directory.CreateTempSubdirectory("cudattr-measures-").FullName);
        _model = SscdModel.Create(Tiny, _device, 4);
        _model.Save(Descriptor);
    }

    [OneTimeTearDown]
    public void Close()
    {
        _model.Dispose();
        _device.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Descriptor => Path.Combine(_folder, "descriptor");

    [Test]
    public void MatricesAreTheFormulas()
    {
        var (references, answers) = (Pictures(5, 16, 16, 1), Pictures(7, 12, 20, 2));
        double[,] sscd = Create("sscd").Matrix(references, answers), embed = Create("embed").Matrix(references, answers);
        double[,] mix = Create("mix").Matrix(references, answers), px = new PixelDistance(_device).Matrix(references, answers);
        for (int i = 0; i < 5; i++)
        {
            for (int j = 0; j < 7; j++)
            {
                double[] a = Vector(references[i]), b = Vector(answers[j]);
                double cosine = a.Zip(b, (x, y) => x * y).Sum(), euclidean = Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum());
                Assert.That(sscd[i, j], Is.EqualTo(1 - cosine).Within(1e-6));
                Assert.That(embed[i, j], Is.EqualTo(euclidean).Within(1e-3));
                Assert.That(mix[i, j], Is.EqualTo(Math.Max(px[i, j] / 0.15, (1 - cosine) / 0.25)).Within(1e-5));
            }
        }
    }

    [Test]
    public void APictureIsNoDistanceFromItselfAndBlocksChangeNothing()
    {
        var pictures = Pictures(7, 16, 16, 3);
        using var model = SscdModel.Load(Descriptor, _device);
        var small = new SscdDistance(new DescriptorSpace(model, _device) { BlockPictures = 3 });
        double[,] whole = Create("sscd").Matrix(pictures, pictures);
        for (int i = 0; i < pictures.Count; i++)
        {
            foreach (string name in MeasureRegistry.DescriptorNames) Assert.That(Create(name).Between(pictures[i], pictures[i]), Is.Zero, name);
            Assert.That(whole[i, i], Is.Zero);
        }
        Assert.That(small.Matrix(pictures, pictures), Is.EqualTo(whole));
        Assert.That(small.Matrix([], pictures), Is.Empty);
        Assert.That(small.Matrix(pictures, []), Is.Empty);
    }

    [Test]
    public void ThresholdsAndMaximaAreThoseOfTheDocumentation()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That((Create("sscd").DefaultThreshold, Create("sscd").Maximum), Is.EqualTo((0.25, 2.0)));
            Assert.That((Create("embed").DefaultThreshold, Create("embed").Maximum), Is.EqualTo((Math.Sqrt(0.5), 2.0)));
            Assert.That((Create("mix").DefaultThreshold, Create("mix").Maximum), Is.EqualTo((1.0, 8.0)));
        }
    }

    [Test]
    public void AResultOfAnotherDescriptorIsNeverTakenForThisOnes()
    {
        string other = Path.Combine(_folder, "other");
        if (!Directory.Exists(other))
        {
            using var model = SscdModel.Create(Tiny, _device, 5);
            model.Save(other);
        }
        string name = Create("mix").Name;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(name, Is.EqualTo($"mix@{_model.Identity()[..32]}"));
            Assert.That(MeasureRegistry.Create(name, _device, Descriptor).Name, Is.EqualTo(name));
            var refused = Assert.Throws<UserException>(() => MeasureRegistry.Create(name, _device, other))!;
            Assert.That((refused.Setting, refused.Message.Contains(name, StringComparison.Ordinal)), Is.EqualTo(("descriptor", true)));
            Assert.That(MeasureRegistry.Create("mix", _device, other).Name, Is.Not.EqualTo(name));
        }
    }

    [Test]
    public void WhatMakesNoSenseIsRefused()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => MeasureRegistry.Create("px", _device, Descriptor), Throws.TypeOf<UserException>().With.Message.Contains("no use for a descriptor"));
            Assert.That(() => MeasureRegistry.Check("px@0123456789abcdef0123456789abcdef"), Throws.TypeOf<UserException>());
            Assert.That(() => MeasureRegistry.Check("sscd@0123"), Throws.TypeOf<UserException>());
            Assert.That(() => MeasureRegistry.Check("sscd@0123456789ABCDEF0123456789abcdef"), Throws.TypeOf<UserException>());
            Assert.That(() => MeasureRegistry.CheckPixel("sscd"), Throws.TypeOf<UserException>().With.Message.Contains("cannot be named here"));
            Assert.That(() => MeasureRegistry.CheckPixel(Create("sscd").Name), Throws.TypeOf<UserException>());
            Assert.That(() => MeasureRegistry.CheckPixel("px"), Throws.Nothing);
            Assert.That(() => MeasureRegistry.Create("sscd", _device, Path.Combine(_folder, "none")), Throws.TypeOf<ModelFileException>());
            Assert.That(Assert.Throws<UserException>(() => MeasureRegistry.Create("sscd", _device))!.Setting, Is.EqualTo("descriptor"));
            Assert.That(() => Create("sscd").Matrix(new PreparedPictures([]), new PreparedPictures([])), Throws.ArgumentException);
        }
    }

    /// <summary>A mirrored answer: forgiven by the aligned measure, whatever is underneath.</summary>
    [Test]
    public void TheAlignedMeasureStandsOnIt()
    {
        var picture = Pictures(1, 16, 16, 6)[0];
        var mirrored = new RgbImage(16, 16, [.. picture.Pixels.Chunk(48).SelectMany(row => row.Chunk(3).Reverse().SelectMany(p => p))]);
        var measure = new AlignedMeasure(Create("sscd"));
        Assert.That(measure.Between(picture, mirrored), Is.Zero);
        Assert.That(measure.Name, Does.EndWith(AlignedMeasure.Suffix));
    }

    private IPictureMeasure Create(string name) => MeasureRegistry.Create(name, _device, Descriptor);

    private double[] Vector(RgbImage picture)
    {
        float[] v = _model.Embed([picture]);
        double length = Math.Sqrt(v.Sum(x => (double)x * x));
        return [.. v.Select(x => x / length)];
    }

    private static IReadOnlyList<RgbImage> Pictures(int count, int width, int height, ulong seed)
    {
        var random = new SplitMix64(seed);
        return
        [
            .. Enumerable.Range(0, count).Select(_ =>
                new RgbImage(width, height, [.. Enumerable.Range(0, 3 * width * height).Select(_ => (byte)random.Below(256))])),
        ];
    }
}
