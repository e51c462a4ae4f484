namespace CudaAttribution.Statistics;

/// <summary>What a test of this size could have seen (docs/method.md "Tests"): it is stated with every "not shown".</summary>
/// <param name="CriticalCount">The smallest count that is significant; null where none is.</param>
/// <param name="Power">The power asked for.</param>
/// <param name="SmallestRate">The smallest true rate that gives a significant count with that power; null where even a rate of 1 does not.</param>
/// <param name="SmallestRho">
/// The share ρ of generated training pictures that would bring this rate about, read off the straight line between the innocents' mean
/// rate (ρ = 0) and the source's own rate on its keys (ρ = 1, the best case); null where ρ = 1 falls short.
/// </param>
public sealed record Detectability(int? CriticalCount, double Power, double? SmallestRate, double? SmallestRho)
{
    /// <param name="families">The null of the test.</param>
    /// <param name="test">The test that was run.</param>
    /// <param name="sourceRate">The source's own rate on the same keys with fresh noise.</param>
    /// <param name="power">Power to reach, .9 by default.</param>
    public static Detectability Of(IReadOnlyList<FamilyNull> families, NullTest test, double sourceRate, double power = 0.9)
    {
        if (test.CriticalCount is not { } critical) return new(null, power, null, null);
        // The suspect's keys are taken to be as correlated as those of the most dispersed family: the cautious choice.
        double concentration = families.Min(f => f.Model.Concentration), innocent = families.Max(f => f.Model.Mean);
        double rate = SmallestRateFor(test.Trials, critical, concentration, power);
        double rho = (rate - innocent) / (sourceRate - innocent);
        return new(critical, power, rate, sourceRate > innocent && rho <= 1 ? Math.Max(0, rho) : null);
    }

    private static double SmallestRateFor(int trials, int critical, double concentration, double power)
    {
        double low = 0, high = 1;
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            if (BetaBinomial.FromMean(trials, middle, concentration).Survival(critical) >= power) high = middle;
            else low = middle;
        }
        return high;
    }
}
