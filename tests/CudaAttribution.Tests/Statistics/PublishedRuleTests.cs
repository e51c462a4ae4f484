using System.Numerics;
using System.Text.Json;
using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Statistics;

public class PublishedRuleTests
{
    /// <summary>Exact fractions; build/oracle/make_indication_golden.py.</summary>
    [Test]
    public void IsThatOfExactFractions()
    {
        var cases = IndicationGolden.Cases("published");
        Assert.That(cases, Has.Length.GreaterThan(10));
        using (Assert.EnterMultipleScope())
        {
            foreach (var c in cases)
            {
                var rule = PublishedRule.Of(c.GetProperty("hits").GetInt32(), c.GetProperty("trials").GetInt32(), c.GetProperty("alpha").GetDouble());
                double p = c.GetProperty("p").GetDouble();
                Assert.That(rule.P, Is.EqualTo(p).Within(1e-12 * p), c.ToString());
                Assert.That(rule.Needed, Is.EqualTo(c.GetProperty("needed").ValueKind == JsonValueKind.Null ? (int?)null : c.GetProperty("needed").GetInt32()));
                Assert.That(rule.Accuses, Is.EqualTo(c.GetProperty("accuses").GetBoolean()), c.ToString());
                Assert.That((rule.Rate, rule.Hits), Is.EqualTo((0.043, c.GetProperty("hits").GetInt32())));
            }
        }
    }

    /// <summary>Every count of up to 12 keys against a sum of integers over 1000^N.</summary>
    [Test]
    public void TailsAreThoseOfIntegers()
    {
        for (int n = 1; n <= 12; n++)
        {
            for (int h = 0; h <= n; h++)
            {
                var cases = BigInteger.Zero;
                for (int k = h; k <= n; k++) cases += Choose(n, k) * BigInteger.Pow(43, k) * BigInteger.Pow(957, n - k);
                double tail = (double)cases / (double)BigInteger.Pow(1000, n);
                Assert.That(PublishedRule.Of(h, n, 0.01).P, Is.EqualTo(tail).Within(1e-12 * tail), $"{h} of {n}");
            }
        }

        static BigInteger Choose(int n, int k) => k == 0 ? 1 : Choose(n - 1, k - 1) * n / k;
    }

    [Test]
    public void ALevelThatIsReachedIsEnough()
    {
        double p = PublishedRule.Of(5, 30, 0.01).P;
        Assert.That(PublishedRule.Of(5, 30, p), Has.Property("Accuses").True.And.Property("Needed").EqualTo(5));
        Assert.That(PublishedRule.Of(5, 30, Math.BitDecrement(p)), Has.Property("Accuses").False.And.Property("Needed").EqualTo(6));
    }

    [Test]
    public void ImpossibleCountsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => PublishedRule.Of(0, 0, 0.01));
        Assert.Throws<ArgumentOutOfRangeException>(() => PublishedRule.Of(-1, 30, 0.01));
        Assert.Throws<ArgumentOutOfRangeException>(() => PublishedRule.Of(31, 30, 0.01));
        Assert.DoesNotThrow(() => PublishedRule.Of(30, 30, 0.01));
    }
}
