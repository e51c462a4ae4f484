using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Statistics;

public class NullTestTests
{
    [Test]
    public void RankPValueCountsInnocentsAtLeastAsHigh()
    {
        var family = new FamilyNull("real-other", [0, 1, 1, 4], 30);
        Assert.Multiple(() =>
        {
            Assert.That(family.Test(5, 0.01).RankPValue, Is.EqualTo(1 / 5.0));
            Assert.That(family.Test(4, 0.01).RankPValue, Is.EqualTo(2 / 5.0));
            Assert.That(family.Test(1, 0.01).RankPValue, Is.EqualTo(4 / 5.0));
            Assert.That(family.Test(0, 0.01).RankPValue, Is.EqualTo(1));
            Assert.That(family.RankFloor, Is.EqualTo(0.2));
        });
    }

    /// <summary>
    /// Validity of ranks: of m + 1 exchangeable models any one is equally likely to be the suspect, so over all choices the share with
    /// p ≤ α must be at most α. Every assignment of counts 0..3 to m + 1 ≤ 4 models is enumerated.
    /// </summary>
    [Test]
    public void RankPValueIsValidByEnumeration([Values(2, 3, 4)] int models)
    {
        int combinations = (int)Math.Pow(4, models);
        for (int code = 0; code < combinations; code++)
        {
            var counts = Enumerable.Range(0, models).Select(i => code / (int)Math.Pow(4, i) % 4).ToArray();
            double[] p = [.. counts.Select((c, suspect) => (1.0 + counts.Where((other, i) => i != suspect && other >= c).Count()) / models)];
            for (int i = 0; i < models; i++)
            {
                var family = new FamilyNull("f", counts.Where((_, j) => j != i), 3);
                Assert.That(family.Test(counts[i], 0.01).RankPValue, Is.EqualTo(p[i]));
            }
            foreach (double alpha in p) Assert.That(p.Count(v => v <= alpha) / (double)models, Is.LessThanOrEqualTo(alpha + 1e-12));
        }
    }

    [Test]
    public void RanksAreUsedWhereTheyCanReachTheLevel()
    {
        var few = new FamilyNull("f", Enumerable.Repeat(0, 19), 30);
        var many = new FamilyNull("f", Enumerable.Repeat(0, 99), 30);
        Assert.Multiple(() =>
        {
            Assert.That(few.Test(20, 0.05) is { ModelBased: false, Method: PValueMethod.Rank, PValue: 0.05 });
            Assert.That(few.Test(20, 0.01) is { ModelBased: true, Method: PValueMethod.BetaBinomial });
            Assert.That(many.Test(20, 0.01) is { ModelBased: false, PValue: 0.01 });
        });
    }

    [Test]
    public void TheWorstFamilyDecides()
    {
        FamilyNull[] families = [new("easy", [0, 0, 1, 0], 30), new("hard", [6, 9, 12, 7], 30)];
        var test = NullTest.Run(families, 12, 30, 0.01);
        Assert.That(test.PValue, Is.EqualTo(test.Families.Single(f => f.Family == "hard").PValue));
        Assert.That(test.PValue, Is.GreaterThan(0.01));
        Assert.That(test.Families.Single(f => f.Family == "easy").PValue, Is.LessThan(0.01));
        Assert.That(test.Decisive()!.Family, Is.EqualTo("hard"));
    }

    [Test]
    public void WithoutReferencesThereIsNoPValue()
    {
        var test = NullTest.Run([], 30, 30, 0.01);
        Assert.That(test.PValue, Is.Null);
        Assert.That(test.CriticalCount, Is.Null);
    }

    [Test]
    public void CriticalCountIsTheFirstSignificantOne()
    {
        FamilyNull[] families = [new("f", [0, 1, 0, 2, 0, 3], 30)];
        int critical = NullTest.Run(families, 0, 30, 0.01).CriticalCount!.Value;
        Assert.That(NullTest.Run(families, critical, 30, 0.01).PValue, Is.LessThanOrEqualTo(0.01));
        Assert.That(NullTest.Run(families, critical - 1, 30, 0.01).PValue, Is.GreaterThan(0.01));
    }

    [Test]
    public void SmallestDetectableRateHasThePowerAskedFor()
    {
        FamilyNull[] families = [new("f", [0, 1, 0, 2, 0, 3], 30)];
        var test = NullTest.Run(families, 0, 30, 0.01);
        var seen = Detectability.Of(families, test, sourceRate: 0.9);
        var at = BetaBinomial.FromMean(30, seen.SmallestRate!.Value, families[0].Model.Concentration);
        Assert.That(at.Survival(test.CriticalCount!.Value), Is.EqualTo(0.9).Within(1e-9));
        double innocent = families[0].Model.Mean;
        Assert.That(seen.SmallestRho, Is.EqualTo((seen.SmallestRate.Value - innocent) / (0.9 - innocent)).Within(1e-12));
    }

    [Test]
    public void NoRhoIsClaimedWhereTheSourceItselfFallsShort()
    {
        FamilyNull[] families = [new("f", [0, 1, 0, 2, 0, 3], 30)];
        Assert.That(Detectability.Of(families, NullTest.Run(families, 0, 30, 0.01), sourceRate: 0.1).SmallestRho, Is.Null);
    }
}
