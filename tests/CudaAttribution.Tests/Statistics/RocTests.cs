using System.Globalization;
using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Statistics;

public class RocTests
{
    [Test]
    public void FiguresAreThoseOfScikitLearn()
    {
        var cases = ClassifierGolden.Cases("curves");
        Assert.That(cases, Has.Length.EqualTo(12));
        using (Assert.EnterMultipleScope())
        {
            foreach (var c in cases)
            {
                var roc = new Roc(c.Numbers("positives"), c.Numbers("negatives"));
                Assert.That(roc.Auc(), Is.EqualTo(c.GetProperty("auc").GetDouble()).Within(1e-12));
                Assert.That(roc.AccuracyAt(c.GetProperty("threshold").GetDouble()), Is.EqualTo(c.GetProperty("accuracy").GetDouble()).Within(1e-12));
                foreach (var tpr in c.GetProperty("tpr").EnumerateObject())
                    Assert.That(
                        roc.TruePositivesAt(double.Parse(tpr.Name, CultureInfo.InvariantCulture)), Is.EqualTo(tpr.Value.GetDouble()).Within(1e-12), tpr.Name);
            }
        }
    }

    [Test]
    public void IntervalsOverGivenDrawsAreThoseOfNumPy()
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (var c in ClassifierGolden.Cases("curves"))
            {
                double[] positives = c.Numbers("positives"), negatives = c.Numbers("negatives");
                var draws = c.GetProperty("draws").EnumerateArray().Select(d => (d.Indices("positives"), d.Indices("negatives")));
                var interval = Bootstrap.Of(
                    draws, (p, n) => new Roc([.. p.Select(i => positives[i])], [.. n.Select(i => negatives[i])]).Auc());
                double[] expected = c.Numbers("interval");
                Assert.That(interval.Low, Is.EqualTo(expected[0]).Within(1e-12));
                Assert.That(interval.High, Is.EqualTo(expected[1]).Within(1e-12));
            }
        }
    }

    /// <summary>The mean of a fair coin's n throws has standard error 1/(2√n); the percentile interval is about ±1.96 of it.</summary>
    [Test]
    public void DrawsGiveTheStandardErrorOfAMean()
    {
        double[] throws = [.. Enumerable.Range(0, 400).Select(i => (i % 2) + (i * 1e-9))];
        var interval = Bootstrap.Of(400, 1, (p, _) => p.Average(i => throws[i]), seed: 3);
        Assert.That(interval.Low, Is.EqualTo(0.5 - (1.96 * 0.025)).Within(0.005));
        Assert.That(interval.High, Is.EqualTo(0.5 + (1.96 * 0.025)).Within(0.005));
        Assert.That(Bootstrap.Of(400, 1, (p, _) => p.Average(i => throws[i]), seed: 3), Is.EqualTo(interval), "the same seed");
        Assert.That(Bootstrap.Of(400, 1, (p, _) => p.Average(i => throws[i]), seed: 4), Is.Not.EqualTo(interval), "another");
        int[] drawn = [];
        Bootstrap.Of(2, 3, (p, n) => (drawn = [p.Length, n.Length, n.Max()])[0], seed: 1, folds: 50);
        Assert.That(drawn, Is.EqualTo(new[] { 2, 3, drawn[2] }));
        Assert.That(drawn[2], Is.LessThan(3));
    }

    [Test]
    public void TiesCountHalf() => Assert.That(new Roc([1, 2], [1, 0]).Auc(), Is.EqualTo(3.5 / 4));

    [Test]
    public void ATenthOfThirtyIsThree()
    {
        double[] innocents = [.. Enumerable.Range(0, 30).Select(i => (double)i)];
        Assert.That(new Roc([26.5, 25.5], innocents).TruePositivesAt(0.1), Is.EqualTo(0.5));
        Assert.That(new Roc([26.5, 25.5], innocents).FalsePositivesAt(26), Is.EqualTo(0.1));
    }

    [Test]
    public void NoScoresAndWrongScoresAreRefused()
    {
        Assert.That(() => new Roc([], [1]), Throws.ArgumentException);
        Assert.That(() => new Roc([1], []), Throws.ArgumentException);
        Assert.That(() => new Roc([1, double.NaN], [1]), Throws.ArgumentException);
        Assert.That(() => new Roc([1], [double.PositiveInfinity]), Throws.ArgumentException);
        Assert.That(() => new Roc([1], [1]).TruePositivesAt(1.1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => Bootstrap.Of(1, 1, (_, _) => 0, 1, level: 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
