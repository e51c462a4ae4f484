using CudaAttribution.Statistics;

namespace CudaAttribution.Attribution.Tests.Statistics;

public class BetaBinomialTests
{
    /// <summary>
    /// <c>/usr/bin/python3 -c "import scipy.stats as s; print(repr(s.betabinom.pmf(7,30,.5,11)), repr(s.betabinom.sf(6,30,.5,11)))"</c>.
    /// </summary>
    [TestCase(30, 0.5, 11, 0, 0.5136827484869118, 1.0)]
    [TestCase(30, 0.5, 11, 7, 0.011749748906613426, 0.032869066750075726)]
    [TestCase(30, 2.2, 27.8, 9, 0.00490150966460441, 0.009365782536819633)]
    [TestCase(100, 17, 14, 80, 0.0014530302676854059, 0.004702086585071319)]
    public void ProbabilityAndTailAreSciPys(int n, double a, double b, int hits, double probability, double tail)
    {
        var d = new BetaBinomial(n, a, b);
        Assert.That(d.Probability(hits), Is.EqualTo(probability).Within(1e-12 * probability));
        Assert.That(d.Survival(hits), Is.EqualTo(tail).Within(1e-12));
    }

    /// <summary>Pólya's urn draws a beta-binomial exactly: every one of the 2^N sequences is enumerated.</summary>
    [TestCase(1, 1)]
    [TestCase(2, 5)]
    [TestCase(7, 3)]
    public void EqualsTheUrnByEnumeration(int a, int b)
    {
        for (int n = 1; n <= 8; n++)
        {
            var urn = new double[n + 1];
            for (int sequence = 0; sequence < 1 << n; sequence++)
            {
                double p = 1;
                int ones = 0;
                for (int draw = 0; draw < n; draw++)
                {
                    bool one = (sequence >> draw & 1) == 1;
                    p *= (one ? a + ones : b + draw - ones) / (double)(a + b + draw);
                    if (one) ones++;
                }
                urn[ones] += p;
            }
            var d = new BetaBinomial(n, a, b);
            for (int h = 0; h <= n; h++)
            {
                Assert.That(d.Probability(h), Is.EqualTo(urn[h]).Within(1e-14), $"N = {n}, h = {h}");
                Assert.That(d.Survival(h), Is.EqualTo(urn.Skip(h).Sum()).Within(1e-14), $"N = {n}, h ≥ {h}");
            }
        }
    }

    [Test]
    public void CountsOutsideTheTrialsHaveNoProbability()
    {
        var d = new BetaBinomial(5, 1, 2);
        Assert.Multiple(() =>
        {
            Assert.That(d.Probability(-1), Is.Zero);
            Assert.That(d.Probability(6), Is.Zero);
            Assert.That(d.Survival(0), Is.EqualTo(1));
            Assert.That(d.Survival(6), Is.Zero);
        });
    }

    /// <summary>
    /// Maximum likelihood by SciPy: <c>minimize(lambda t: -betabinom.logpmf(c, n, exp(t[0]), exp(t[1])).sum(), t0, method='Nelder-Mead')</c>
    /// from four starts, best kept; interior optima.
    /// </summary>
    [TestCase(30, 0.49667916499000936, 4.600238260191384, 0, 1, 0, 3, 0, 9, 2, 9)]
    [TestCase(30, 1.109130231725782, 2.6595888724495116, 2, 11, 5, 7, 20, 1, 4, 20)]
    [TestCase(30, 0.037905987139685765, 0.050526780638675106, 0, 0, 0, 30, 29, 30)]
    [TestCase(200, 8.23062896015931, 14.1796483129032, 60, 95, 41, 77, 95)]
    public void FitIsSciPys(int n, double a, double b, params int[] counts)
    {
        var fit = BetaBinomialFit.Fit(counts, n);
        Assert.That(fit.A, Is.EqualTo(a).Within(1e-5 * a));
        Assert.That(fit.B, Is.EqualTo(b).Within(1e-5 * b));
    }

    /// <summary>
    /// Under-dispersed counts meet the bound a + b = N; the mean then is SciPy's <c>minimize_scalar</c> over the mean at that concentration.
    /// </summary>
    [TestCase(30, 0.009482624891292899, 0, 0, 0, 0, 1)]
    [TestCase(30, 0.590557642597352, 17, 19, 16, 18, 19)]
    public void FitKeepsTheConcentrationAtMostN(int n, double mean, params int[] counts)
    {
        var fit = BetaBinomialFit.Fit(counts, n);
        Assert.That(fit.Concentration, Is.EqualTo(n).Within(1e-9));
        Assert.That(fit.Mean, Is.EqualTo(mean).Within(1e-6));
    }

    [Test]
    public void FitIsAMaximum()
    {
        int[] counts = [0, 1, 0, 3, 0, 9, 2];
        var fit = BetaBinomialFit.Fit(counts, 30);
        double best = BetaBinomialFit.LogLikelihood(counts, fit);
        foreach (double da in new[] { -0.02, 0.02 })
        {
            Assert.That(BetaBinomialFit.LogLikelihood(counts, fit with { A = fit.A * (1 + da) }), Is.LessThan(best));
            Assert.That(BetaBinomialFit.LogLikelihood(counts, fit with { B = fit.B * (1 + da) }), Is.LessThan(best));
        }
    }

    [Test]
    public void InnocentsWithoutHitsDoNotMakeOneHitProof()
    {
        var fit = BetaBinomialFit.FitInnocents([0, 0, 0, 0, 0, 0], 30);
        Assert.That(fit.Survival(1), Is.GreaterThan(0.01));
        Assert.That(fit.Survival(12), Is.LessThan(1e-4));
    }

    [Test]
    public void InnocentsOfNothingButHitsAccuseNobody() => Assert.That(BetaBinomialFit.FitInnocents([30, 30], 30).Survival(30), Is.GreaterThan(0.9));

    [Test]
    public void FitRefusesImpossibleCounts()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BetaBinomialFit.Fit([3, 31], 30));
        Assert.Throws<ArgumentOutOfRangeException>(() => BetaBinomialFit.Fit([-1], 30));
        Assert.Throws<ArgumentException>(() => BetaBinomialFit.Fit([], 30));
    }
}
