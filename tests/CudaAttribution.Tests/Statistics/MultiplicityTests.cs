using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Statistics;

public class MultiplicityTests
{
    // Thresholds m / (α k) of five hypotheses at 0.05: 100, 50, 33.3, 25, 20.
    [TestCase(new double[] { 99, 1, 0, 3, 2 }, new[] { false, false, false, false, false })]
    [TestCase(new double[] { 100, 1, 0, 3, 2 }, new[] { true, false, false, false, false })]
    [TestCase(new double[] { 50, 1, 60, 3, 2 }, new[] { true, false, true, false, false })]
    [TestCase(new double[] { 21, 22, 20, 30, 1000 }, new[] { true, true, true, true, true })]
    [TestCase(new double[] { 34, 1, 40, 33, 2 }, new[] { false, false, false, false, false })]
    [TestCase(new double[] { 34, 1, 40, 34, 2 }, new[] { true, false, true, true, false })]
    public void EBenjaminiHochbergByHand(double[] eValues, bool[] rejected) =>
        Assert.That(Multiplicity.EBenjaminiHochberg(eValues, 0.05), Is.EqualTo(rejected));

    // statsmodels.stats.multitest.multipletests(p, 0.05, 'holm') gives the same; by hand: 0.05/4, 0.05/3, 0.05/2, 0.05.
    [TestCase(new[] { 0.0125, 0.04, 0.3, 0.016 }, new[] { true, false, false, true })]
    [TestCase(new[] { 0.013, 0.0001, 0.025, 0.05 }, new[] { true, true, true, true })]
    [TestCase(new[] { 0.013, 0.013, 0.013, 0.013 }, new[] { false, false, false, false })]
    [TestCase(new[] { 0.0125, 0.017, 0.017, 0.017 }, new[] { true, false, false, false })]
    public void HolmByHand(double[] pValues, bool[] rejected) => Assert.That(Multiplicity.Holm(pValues, 0.05), Is.EqualTo(rejected));

    [Test]
    public void OfNoHypothesisNoneIsRejected() =>
        Assert.That((Multiplicity.Holm([], 0.05), Multiplicity.EBenjaminiHochberg([], 0.05)), Is.EqualTo((Array.Empty<bool>(), Array.Empty<bool>())));
}
