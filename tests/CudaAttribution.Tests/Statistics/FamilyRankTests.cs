using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Statistics;

public class FamilyRankTests
{
    [TestCase(5, 1 / 5.0)]
    [TestCase(4, 2 / 5.0)]
    [TestCase(2, 2 / 5.0)]
    [TestCase(1, 4 / 5.0)]
    [TestCase(0, 1.0)]
    public void PCountsInnocentsAtLeastAsHigh(int count, double p)
    {
        var rank = FamilyRank.Of("real-other", [0, 1, 1, 4], count, 0.01);
        Assert.Multiple(() =>
        {
            Assert.That(rank.PValue, Is.EqualTo(p));
            Assert.That((rank.Family, rank.References, rank.Floor, rank.Enough), Is.EqualTo(("real-other", 4, 0.2, false)));
            Assert.That(rank.Counts, Is.EqualTo((int[])[0, 1, 1, 4]));
        });
    }

    /// <summary>
    /// Of m + 1 exchangeable models any one is equally likely to be the suspect, so over all choices the share with
    /// p ≤ α must be at most α. Every assignment of counts 0..3 to m + 1 ≤ 4 models is enumerated.
    /// </summary>
    [Test]
    public void RankPValueIsValidByEnumeration([Values(2, 3, 4)] int models)
    {
        int combinations = (int)Math.Pow(4, models);
        for (int code = 0; code < combinations; code++)
        {
            int[] counts = [.. Enumerable.Range(0, models).Select(i => code / (int)Math.Pow(4, i) % 4)];
            double[] p = [.. counts.Select((c, suspect) => FamilyRank.Of("f", [.. counts.Where((_, i) => i != suspect)], c, 0.01).PValue!.Value)];
            foreach (double alpha in p) Assert.That(p.Count(v => v <= alpha) / (double)models, Is.LessThanOrEqualTo(alpha + 1e-12));
        }
    }

    [TestCase(0.01, 99)]
    [TestCase(0.05, 19)]
    [TestCase(0.1, 9)]
    [TestCase(0.07, 14)]
    [TestCase(1 / 3.0, 2)]
    [TestCase(1 / 49.0, 48)]
    [TestCase(0.5, 1)]
    [TestCase(0.9, 1)]
    public void EnoughIsWhatRanksNeedToReachTheLevel(double alpha, int least)
    {
        Assert.That(FamilyRank.Of("f", new int[least], 1, alpha), Has.Property("Enough").True.And.Property("PValue").LessThanOrEqualTo(alpha));
        Assert.That(FamilyRank.Of("f", new int[least - 1], 1, alpha), Has.Property("Enough").False.And.Property("PValue").GreaterThan(alpha));
    }

    [Test]
    public void WithoutReferencesARankSaysNothing() =>
        Assert.That(FamilyRank.Of("twin", [], 30, 0.5), Is.EqualTo(new FamilyRank("twin", 0, [], 1, 1, false)).Using<FamilyRank>(
            (a, b) => (a.Family, a.References, a.PValue, a.Floor, a.Enough) == (b.Family, b.References, b.PValue, b.Floor, b.Enough)));
}
