using CudaAttribution.Statistics;

namespace CudaAttribution.Attribution.Tests.Statistics;

public class IntervalAndQuantileTests
{
    /// <summary><c>/usr/bin/python3 -c "from scipy.stats import binomtest; print(binomtest(3,30).proportion_ci(.95,'exact'))"</c>.</summary>
    [TestCase(0, 30, 0.95, 0.0, 0.11570330822202743)]
    [TestCase(3, 30, 0.95, 0.021117137029722604, 0.2652884504742082)]
    [TestCase(17, 23, 0.95, 0.5159480295975619, 0.8977138660846415)]
    [TestCase(30, 30, 0.95, 0.8842966917779725, 1.0)]
    [TestCase(12, 30, 0.99, 0.1850281403965286, 0.6469808261123366)]
    public void ClopperPearsonIsSciPys(int hits, int trials, double level, double low, double high)
    {
        var interval = ShareInterval.ClopperPearson(hits, trials, level);
        Assert.That(interval.Low, Is.EqualTo(low).Within(1e-11));
        Assert.That(interval.High, Is.EqualTo(high).Within(1e-11));
    }

    /// <summary>Coverage by enumeration of all outcomes: never below the level.</summary>
    [Test]
    public void ClopperPearsonCovers([Range(1, 8)] int n, [Values(0.05, 0.31, 0.5, 0.77)] double p)
    {
        double covered = 0;
        for (int sequence = 0; sequence < 1 << n; sequence++)
        {
            int hits = int.PopCount(sequence);
            var (low, high) = ShareInterval.ClopperPearson(hits, n);
            if (low <= p && p <= high) covered += Math.Pow(p, hits) * Math.Pow(1 - p, n - hits);
        }
        Assert.That(covered, Is.GreaterThanOrEqualTo(0.95));
    }

    [TestCase(-1, 5, 0.95)]
    [TestCase(6, 5, 0.95)]
    [TestCase(0, 0, 0.95)]
    [TestCase(1, 5, 1.0)]
    public void ClopperPearsonRefusesNonsense(int hits, int trials, double level) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ShareInterval.ClopperPearson(hits, trials, level));

    /// <summary><c>/usr/bin/python3 -c "import numpy as n; print(repr(n.quantile([.31,.12,.44,.2,.27,.15,.39], .043)))"</c>.</summary>
    [TestCase(0.043, 0.12774)]
    [TestCase(0.5, 0.27)]
    [TestCase(0.9, 0.41000000000000003)]
    [TestCase(0, 0.12)]
    [TestCase(1, 0.44)]
    public void QuantileIsNumPys(double q, double expected) =>
        Assert.That(Quantile.Of([.31, .12, .44, .2, .27, .15, .39], q), Is.EqualTo(expected).Within(1e-15));

    [Test]
    public void MedianOfAnEvenSampleIsTheMiddleOfTheMiddle() => Assert.That(Quantile.Median([4, 1, 3, 2]), Is.EqualTo(2.5));

    [Test]
    public void QuantileRefusesAnEmptySample()
    {
        Assert.Throws<ArgumentException>(() => Quantile.Of([], 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => Quantile.Of([1], 1.5));
    }
}
