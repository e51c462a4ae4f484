using CudaAttribution.Data.Datasets;
using CudaAttribution.Images;
using CudaAttribution.Measures;
using CudaAttribution.Served;
using CudaAttribution.Tensors;
using CudaAttribution.Tensors.Engines;
using CudaAttribution.Tests.World;

namespace CudaAttribution.Tests.Served;

public class TrialTests
{
    private static Trial Of(int served, int pictures = 4) =>
        new() { Prompt = "a cat", Pictures = [.. Enumerable.Range(0, pictures).Select(i => $"{i}")], Served = served, Logged = new(0, null, null, []) };

    [TestCase(2, new[] { 0.3, 0.2, 0.1, 0.4 }, 1)]
    [TestCase(0, new[] { 0.3, 0.2, 0.1, 0.4 }, 3)]
    [TestCase(3, new[] { 0.3, 0.2, 0.1, 0.4 }, 4)]
    [TestCase(0, new[] { 0.1, 0.1, 0.1, 0.1 }, 1)]
    [TestCase(3, new[] { 0.1, 0.1, 0.1, 0.1 }, 4)]
    [TestCase(2, new[] { 0.2, 0.1, 0.2, 0.2 }, 3)]
    public void TheRankCountsTheCloserAndTheCoinBreaksTies(int served, double[] distances, int rank) =>
        Assert.That(Of(served).Rank(distances), Is.EqualTo(rank));

    [Test]
    public void ARankOfDistancesAloneIsTheTrials()
    {
        double[] distances = [0.3, 0.2, 0.2, 0.4];
        for (int served = 0; served < 4; served++) Assert.That(Trial.RankOf(distances, served), Is.EqualTo(Of(served).Rank(distances)));
    }

    /// <summary>Exactness: whatever the distances, ties included, each rank belongs to exactly one of the K + 1 places of the served picture.</summary>
    [Test]
    public void OverAllPlacesOfTheServedPictureTheRankIsUniform()
    {
        var random = new PhiloxSequence(5, 1);
        for (int round = 0; round < 200; round++)
        {
            double[] distances = [.. Enumerable.Range(0, 6).Select(_ => (double)random.Next(4))];
            int[] ranks = [.. Enumerable.Range(0, 6).Select(served => Of(served, 6).Rank(distances)).Order()];
            Assert.That(ranks, Is.EqualTo(new[] { 1, 2, 3, 4, 5, 6 }));
        }
    }

    [Test]
    public void AnotherNumberOfDistancesIsRefused() => Assert.That(() => Of(0).Rank([0.1, 0.2]), Throws.ArgumentException);

    /// <summary>Swap the served picture with any fresh one, for any prompt: the same prompts are chosen, bit for bit.</summary>
    [Test]
    public void TheChoiceTreatsServedAndFreshPicturesAlike()
    {
        using var device = ComputeDevice.Open("cpu");
        var measure = new PixelDistance(device);
        var random = new SplitMix64(11);
        var order = new PhiloxSequence(9, 2);
        RgbImage[][] pools = [.. Enumerable.Range(0, 12).Select(_ => Enumerable.Range(0, 7).Select(_ => TestWorld.Picture(ref random)).ToArray())];
        double[] spreads = [.. pools.Select(p => TrialChoice.Spread(p, measure))];
        for (int round = 0; round < 20; round++)
        {
            foreach (var pool in pools) order.Shuffle(pool.AsSpan());
            double[] again = [.. pools.Select(p => TrialChoice.Spread(p, measure))];
            Assert.That(again, Is.EqualTo(spreads));
            Assert.That(TrialChoice.Widest(new string?[12], again, 5), Is.EqualTo(TrialChoice.Widest(new string?[12], spreads, 5)));
        }
    }

    [Test]
    public void TheWidestAreTaken()
    {
        Assert.That(TrialChoice.Widest(new string?[4], [0.1, 0.4, 0.2, 0.4], 3), Is.EqualTo(new[] { 1, 3, 2 }));
        Assert.That(TrialChoice.Widest(new string?[2], [0.1, 0.4], 3), Is.EqualTo(new[] { 1, 0 }));
        Assert.That(TrialChoice.Widest(["a", "a", "b", "b", "a"], [0.1, 0.4, 0.2, 0.5, 0.3], 2), Is.EqualTo(new[] { 1, 3, 4, 2 }));
    }

    [Test]
    public void SpreadIsTheMeanOverPairs()
    {
        using var device = ComputeDevice.Open("cpu");
        RgbImage Grey(byte v) => RgbImage.Filled(4, 4, v, v, v);
        // Pairs differ by 51, 102 and 51 of 255.
        Assert.That(TrialChoice.Spread([Grey(0), Grey(51), Grey(102)], new PixelDistance(device)), Is.EqualTo((0.2 + 0.4 + 0.2) / 3).Within(1e-12));
    }

    [Test]
    public void TheTestOfAllFirstPlaces()
    {
        var test = ServedTest.Of([1, 1, 1, 1], 5);
        Assert.Multiple(() =>
        {
            Assert.That(test.PValue, Is.EqualTo(Math.Pow(5, -4)).Within(1e-15));
            Assert.That(test.FirstPlaces, Is.EqualTo(4));
            Assert.That(test.Share, Is.EqualTo(1));
            Assert.That(test.ShareInterval.High, Is.EqualTo(1));
            // Clopper and Pearson's lower end of 4 of 4, 0.025^(1/4), above the chance of one in five.
            Assert.That(test.ShareInterval.Low, Is.EqualTo((Math.Pow(0.025, 0.25) - 0.2) / 0.8).Within(1e-9));
            Assert.That(test.Capital, Has.Count.EqualTo(4));
            Assert.That(test.Log10E, Is.EqualTo(test.Capital[^1]));
        });
    }

    [Test]
    public void WithoutAnAnswerNothingIsShown()
    {
        var test = ServedTest.Of([], 20);
        Assert.That((test.PValue, test.EValue, test.Statistic, test.Share, test.Reached(0.01)), Is.EqualTo((1.0, 1.0, (long?)null, 0.0, (int?)null)));
        Assert.That((test.ShareInterval.Low, test.ShareInterval.High), Is.EqualTo((0.0, 1.0)));
    }

    [Test]
    public void ReachedIsTheFirstTimeEvenIfTheCapitalFallsLater()
    {
        var test = ServedTest.Of([20, 1, 1, 1, 1, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20], 20);
        int reached = test.Reached(0.01)!.Value;
        Assert.That(test.Capital[reached - 1], Is.GreaterThanOrEqualTo(2));
        Assert.That(test.Capital.Take(reached - 1), Has.All.LessThan(2));
        Assert.That(reached, Is.InRange(4, 5));
    }
}
