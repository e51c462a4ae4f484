using CudaAttribution.Statistics;

namespace CudaAttribution.Attribution.Tests.Statistics;

/// <summary>
/// Against SciPy 1.10.1: <c>/usr/bin/python3 -c "import scipy.special as s; print(repr(s.gammaln(30)), repr(s.betainc(2,3,.4)),
/// repr(s.betaincinv(12,19,.975)))"</c> with the arguments of each case.
/// </summary>
public class SpecialFunctionsTests
{
    [TestCase(1e-3, 6.907178885383853)]
    [TestCase(0.1, 2.252712651734206)]
    [TestCase(0.5, 0.5723649429247)]
    [TestCase(1, 0.0)]
    [TestCase(1.5, -0.12078223763524526)]
    [TestCase(2, 0.0)]
    [TestCase(2.5, 0.2846828704729192)]
    [TestCase(7.3, 7.147892523022249)]
    [TestCase(11.99, 17.477885575426185)]
    [TestCase(30, 71.257038967168)]
    [TestCase(100.25, 360.28455963776423)]
    [TestCase(1e4, 82099.71749644238)]
    public void LogGammaIsSciPys(double x, double expected) =>
        Assert.That(SpecialFunctions.LogGamma(x), Is.EqualTo(expected).Within(2e-14 * Math.Max(1, expected)));

    [Test]
    public void LogGammaOfIntegersIsTheLogOfTheFactorial()
    {
        double factorial = 1;
        for (int n = 1; n <= 20; factorial *= n++)
            Assert.That(SpecialFunctions.LogGamma(n), Is.EqualTo(Math.Log(factorial)).Within(3e-14), $"Γ({n})");
    }

    [TestCase(0)]
    [TestCase(-1.5)]
    [TestCase(double.NaN)]
    [TestCase(double.PositiveInfinity)]
    public void LogGammaRefusesWhatIsOutsideItsDomain(double x) => Assert.Throws<ArgumentOutOfRangeException>(() => SpecialFunctions.LogGamma(x));

    [TestCase(0.5, 0.5, 0.3, 0.3690101195655454)]
    [TestCase(2, 3, 0.4, 0.5247999999999999)]
    [TestCase(10, 1, 0.9, 0.3486784401000001)]
    [TestCase(30, 5, 0.85, 0.40762182372436434)]
    [TestCase(0.1, 20, 0.01, 0.8781283685059542)]
    [TestCase(200, 300, 0.42, 0.8196010664172744)]
    public void RegularizedBetaIsSciPys(double a, double b, double x, double expected) =>
        Assert.That(SpecialFunctions.RegularizedBeta(a, b, x), Is.EqualTo(expected).Within(1e-12));

    [TestCase(0.5, 0.5, 0.3, 0.2061073738537634)]
    [TestCase(2, 3, 0.025, 0.06758598648854296)]
    [TestCase(12, 19, 0.975, 0.5614401509880425)]
    [TestCase(1, 30, 0.5, 0.022840031565754038)]
    public void InverseOfTheRegularizedBetaIsSciPys(double a, double b, double p, double expected) =>
        Assert.That(SpecialFunctions.RegularizedBetaInverse(a, b, p), Is.EqualTo(expected).Within(1e-12));

    [Test]
    public void RegularizedBetaIsTheBinomialTailByEnumeration()
    {
        for (int n = 1; n <= 8; n++)
        {
            for (int k = 1; k <= n; k++)
            {
                double tail = 0;
                for (int sequence = 0; sequence < 1 << n; sequence++)
                {
                    int ones = int.PopCount(sequence);
                    if (ones >= k) tail += Math.Pow(0.3, ones) * Math.Pow(0.7, n - ones);
                }
                Assert.That(SpecialFunctions.RegularizedBeta(k, n - k + 1, 0.3), Is.EqualTo(tail).Within(1e-14), $"n = {n}, k = {k}");
            }
        }
    }
}
