using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Statistics;

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
    /// from four starts, best kept; interior optima. The best of the grid is at most half a step of 5 % (n = 30) from it.
    /// </summary>
    [TestCase(30, 0.49667916499000936, 4.600238260191384, 0, 1, 0, 3, 0, 9, 2, 9)]
    [TestCase(30, 1.109130231725782, 2.6595888724495116, 2, 11, 5, 7, 20, 1, 4, 20)]
    [TestCase(30, 0.037905987139685765, 0.050526780638675106, 0, 0, 0, 30, 29, 30)]
    [TestCase(200, 8.23062896015931, 14.1796483129032, 60, 95, 41, 77, 95)]
    public void SciPysMaximumIsWithinThePlausibleOnes(int n, double a, double b, params int[] counts)
    {
        var plausible = BetaBinomialFit.Plausible(counts, n);
        var best = plausible.MaxBy(d => LogLikelihood(counts, d));
        Assert.That(best.Concentration, Is.EqualTo(a + b).Within(0.03 * (a + b)));
        Assert.That(LogLikelihood(counts, best), Is.EqualTo(LogLikelihood(counts, new(n, a, b))).Within(1e-3));
        Assert.That(plausible.Select(d => d.Concentration), Is.Ordered);
    }

    /// <summary>
    /// Under-dispersed counts meet the bound a + b = N; the mean then is SciPy's <c>minimize_scalar</c> over the mean at that concentration.
    /// </summary>
    [TestCase(30, 0.009482624891292899, 0, 0, 0, 0, 1)]
    [TestCase(30, 0.590557642597352, 17, 19, 16, 18, 19)]
    public void TheConcentrationIsAtMostN(int n, double mean, params int[] counts)
    {
        var last = BetaBinomialFit.Plausible(counts, n)[^1];
        Assert.That(last.Concentration, Is.EqualTo(n).Within(1e-9));
        Assert.That(last.Mean, Is.EqualTo(mean).Within(1e-6));
    }

    /// <summary>A single count of half the keys says nothing of the concentration: all of the cap is plausible.</summary>
    [Test]
    public void WithOneModelEveryConcentrationCanBePlausible()
    {
        var plausible = BetaBinomialFit.Plausible([1], 2);
        Assert.That(plausible[0].Concentration, Is.GreaterThan(0.01), "all or nothing does not give one of two");
        plausible = BetaBinomialFit.Plausible([0], 2);
        Assert.That(plausible, Has.Count.EqualTo(241));
        Assert.That(plausible[0].Concentration, Is.EqualTo(BetaBinomialFit.MinConcentration).Within(1e-15));
        Assert.That(plausible[^1].Concentration, Is.EqualTo(2).Within(1e-14));
        Assert.That(plausible.Select(d => d.Mean), Is.All.LessThan(1e-8));
    }

    /// <summary>
    /// A concentration is plausible iff the best mean of a fine grid has a log-likelihood within 1.92 of the best of all: by probabilities, without the
    /// fit's sums and without its derivative.
    /// </summary>
    [TestCase(6, 0, 1, 4)]
    [TestCase(6, 3)]
    [TestCase(12, 2, 3, 3, 4, 12)]
    [Category("Enumeration")]
    public void PlausibleConcentrationsAreThoseOfAGrid(int n, params int[] counts)
    {
        double[] grid = [.. Enumerable.Range(0, 241).Select(i => Math.Exp(Math.Log(0.01) + i * Math.Log(n / 0.01) / 240))];
        double[] profile = [.. grid.Select(s => Enumerable.Range(1, 1999).Max(m => LogLikelihood(counts, BetaBinomial.FromMean(n, m / 2000.0, s))))];
        // 1e-4: what the grid of means loses.
        double[] sure = [.. grid.Where((_, i) => profile[i] >= profile.Max() - BetaBinomialFit.Drop + 1e-4)];
        double[] possible = [.. grid.Where((_, i) => profile[i] >= profile.Max() - BetaBinomialFit.Drop - 1e-4)];
        double[] found = [.. BetaBinomialFit.Plausible(counts, n).Select(d => d.Concentration)];
        Assert.That(found, Has.Length.InRange(sure.Length, possible.Length).And.Length.LessThan(241));
        Assert.That(found.Select(s => grid.Min(g => Math.Abs(g / s - 1))), Is.All.LessThan(1e-12));
        Assert.That((found[0], found[^1]), Is.EqualTo((possible[0], possible[^1])).Using<(double, double)>(
            (x, y) => Math.Abs(x.Item1 / y.Item1 - 1) < 0.06 && Math.Abs(x.Item2 / y.Item2 - 1) < 0.06));
    }

    [Test]
    public void FitRefusesImpossibleCounts()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BetaBinomialFit.Plausible([3, 31], 30));
        Assert.Throws<ArgumentOutOfRangeException>(() => BetaBinomialFit.Plausible([-1], 30));
        Assert.Throws<ArgumentOutOfRangeException>(() => BetaBinomialFit.Plausible([0], 0));
        Assert.Throws<ArgumentException>(() => BetaBinomialFit.Plausible([], 30));
        Assert.DoesNotThrow(() => BetaBinomialFit.Plausible([0, 1], 1));
    }

    private static double LogLikelihood(int[] counts, BetaBinomial d) => counts.Sum(h => Math.Log(d.Probability(h)));
}
