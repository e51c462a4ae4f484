using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Tests.World;
using CudaAttribution.Twins;

namespace CudaAttribution.Tests.Twins;

public class DeviationCosineTests
{
    /// <summary>By the definition, in floating point.</summary>
    [Test]
    public void IsTheCosineOfTheDeviations()
    {
        var random = new SplitMix64(4);
        RgbImage[][] models = [.. Enumerable.Range(0, 5).Select(_ => Pictures(ref random, 3))];
        RgbImage[] answers = Pictures(ref random, 2);
        double[] expected = [.. models.Select(m => Cosine(Deviation(answers), Deviation(m)))];
        Assert.That(DeviationCosine.Of(models, answers), Is.EqualTo(expected).Within(1e-12));

        double[] Deviation(RgbImage[] pictures) =>
            [.. Enumerable.Range(0, pictures[0].Pixels.Length).Select(i => pictures.Average(p => p.Pixels[i]) - models.Average(m => m.Average(p => p.Pixels[i])))];
        double Cosine(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum() / Math.Sqrt(a.Sum(x => x * x) * b.Sum(x => x * x));
    }

    [Test]
    public void ExchangingModelsExchangesTheirCosinesBitForBit()
    {
        var random = new SplitMix64(5);
        RgbImage[][] models = [.. Enumerable.Range(0, 6).Select(_ => Pictures(ref random, 2))];
        RgbImage[] answers = Pictures(ref random, 1);
        double[] before = DeviationCosine.Of(models, answers);
        foreach (int twin in Enumerable.Range(1, 5))
        {
            RgbImage[][] exchanged = [.. models];
            (exchanged[0], exchanged[twin]) = (models[twin], models[0]);
            double[] expected = [.. before];
            (expected[0], expected[twin]) = (before[twin], before[0]);
            Assert.That(DeviationCosine.Of(exchanged, answers), Is.EqualTo(expected));
        }
    }

    [Test]
    public void ModelsThatAreAllAlikeSayNothing()
    {
        var random = new SplitMix64(6);
        RgbImage[] same = Pictures(ref random, 2), answers = Pictures(ref random, 1);
        Assert.That(DeviationCosine.Of([same, same, same], answers), Is.All.Zero);
        Assert.That(() => DeviationCosine.Of([same, same], []), Throws.ArgumentException);
    }

    private static RgbImage[] Pictures(ref SplitMix64 random, int count)
    {
        var pictures = new RgbImage[count];
        for (int i = 0; i < count; i++) pictures[i] = TestWorld.Picture(ref random);
        return pictures;
    }
}
