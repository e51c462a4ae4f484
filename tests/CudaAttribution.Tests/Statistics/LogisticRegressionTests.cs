using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Statistics;

public class LogisticRegressionTests
{
    [Test]
    public void FitsAreThoseOfScikitLearn()
    {
        var cases = ClassifierGolden.Cases("fits");
        Assert.That(cases, Has.Length.EqualTo(5));
        using (Assert.EnterMultipleScope())
        {
            foreach (var c in cases)
            {
                double[] mean = c.Numbers("mean"), scale = c.Numbers("scale"), flat = [.. c.GetProperty("rows").EnumerateArray().SelectMany(Row)];
                double[][] rows = [.. flat.Chunk(mean.Length)];
                bool[] labels = [.. c.GetProperty("labels").EnumerateArray().Select(l => l.GetBoolean())];
                var standardisation = Standardisation.Of(rows);
                Assert.That(standardisation.Mean, Is.EqualTo(mean).Within(1e-9));
                Assert.That(standardisation.Scale, Is.EqualTo(scale).Within(1e-9));
                double[][] z = [.. rows.Select(standardisation.Apply)];
                var fit = LogisticRegression.Fit(z, labels, c.GetProperty("c").GetDouble());
                Assert.That(fit.Weights, Is.EqualTo(c.Numbers("weights")).Within(1e-6));
                Assert.That(fit.Intercept, Is.EqualTo(c.GetProperty("intercept").GetDouble()).Within(1e-6));
                Assert.That(z.Take(5).Select(fit.Logit), Is.EqualTo(c.Numbers("logits")).Within(1e-6));
            }
        }

        static IEnumerable<double> Row(System.Text.Json.JsonElement row) => row.EnumerateArray().Select(v => v.GetDouble());
    }

    /// <summary>Without the penalty classes that are apart would have infinite weights. One feature, ±1, has w = C·n·(1 - σ(w)), solved by bisection.</summary>
    [Test]
    public void ClassesThatAreApartGiveFiniteWeights([Values(1e-3, 1, 1e6)] double c)
    {
        double[][] rows = [.. Enumerable.Range(0, 10).Select(i => new double[] { i < 5 ? 1 : -1 })];
        bool[] labels = [.. Enumerable.Range(0, 10).Select(i => i < 5)];
        (double low, double high) = (0, 1e8);
        for (int i = 0; i < 200; i++)
        {
            double w = (low + high) / 2;
            if (w < c * 10 / (1 + Math.Exp(w))) low = w;
            else high = w;
        }
        var fit = LogisticRegression.Fit(rows, labels, c);
        Assert.That(fit.Weights[0], Is.EqualTo(low).Within(1e-5).Percent);
        Assert.That(fit.Intercept, Is.Zero.Within(1e-6));
    }

    [Test]
    public void AConstantFeatureIsCentredOnly()
    {
        var standardisation = Standardisation.Of([[0.1, 3], [0.1, 5], [0.1, 1]]);
        Assert.That(standardisation.Scale[0], Is.EqualTo(1));
        Assert.That(standardisation.Apply([0.1, 3]), Is.EqualTo(new double[] { 0, 0 }).Within(1e-15));
        var fit = LogisticRegression.Fit([.. new double[][] { [0.1, 3], [0.1, 5], [0.1, 1] }.Select(standardisation.Apply)], [true, true, false]);
        Assert.That(fit.Weights[0], Is.Zero.Within(1e-12));
    }

    [Test]
    public void WhatMakesNoSenseIsRefused()
    {
        Assert.That(() => LogisticRegression.Fit([[1], [2]], [true, true]), Throws.ArgumentException);
        Assert.That(() => LogisticRegression.Fit([[1], [2]], [true]), Throws.ArgumentException);
        Assert.That(() => LogisticRegression.Fit([[1], [2, 3]], [true, false]), Throws.ArgumentException);
        Assert.That(() => LogisticRegression.Fit([[1], [double.NaN]], [true, false]), Throws.ArgumentException);
        Assert.That(() => LogisticRegression.Fit([[1], [2]], [true, false], 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
