namespace CudaAttribution.Statistics;

/// <summary>
/// The few special functions the tests need, in double precision: log-gamma, log-beta, the regularised incomplete beta function and its inverse.
/// </summary>
public static class SpecialFunctions
{
    // Stirling's series: B(2k) / (2k (2k-1)) for k = 1..7. From x = 12 on the first omitted term is below 2e-18.
    private static readonly double[] Stirling = [1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156];

    /// <summary>
    /// ln Γ(x) for x &gt; 0: the recurrence up to x ≥ 12, then Stirling's series. Absolute error below 2e-14 up to x = 100, relative beyond.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">x is not positive and finite.</exception>
    public static double LogGamma(double x)
    {
        if (!(x > 0) || double.IsInfinity(x)) throw new ArgumentOutOfRangeException(
            nameof(x), x, "log-gamma is defined here for positive finite numbers");
        double product = 1;
        for (; x < 12; x++) product *= x;
        double inverse = 1 / x, square = inverse * inverse, series = 0;
        for (int k = Stirling.Length - 1; k >= 0; k--) series = series * square + Stirling[k];
        return (x - 0.5) * Math.Log(x) - x + 0.5 * Math.Log(2 * Math.PI) + series * inverse - Math.Log(product);
    }

    /// <summary>ln B(a, b), a, b &gt; 0.</summary>
    public static double LogBeta(double a, double b) => LogGamma(a) + LogGamma(b) - LogGamma(a + b);

    /// <summary>ln of the binomial coefficient.</summary>
    public static double LogChoose(int n, int k) => LogGamma(n + 1.0) - LogGamma(k + 1.0) - LogGamma(n - k + 1.0);

    /// <summary>I_x(a, b), the distribution function of Beta(a, b): its continued fraction by Lentz's method.</summary>
    public static double RegularizedBeta(double a, double b, double x)
    {
        if (x <= 0) return 0;
        if (x >= 1) return 1;
        double front = Math.Exp(a * Math.Log(x) + b * Math.Log(1 - x) - LogBeta(a, b));
        return x < (a + 1) / (a + b + 2) ? front * ContinuedFraction(a, b, x) / a : 1 - front * ContinuedFraction(b, a, 1 - x) / b;
    }

    /// <summary>The x with I_x(a, b) = p, by bisection to neighbouring doubles.</summary>
    public static double RegularizedBetaInverse(double a, double b, double p)
    {
        if (p is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(p), p, "a probability is needed");
        double low = 0, high = 1;
        while (true)
        {
            double middle = low + (high - low) / 2;
            if (middle <= low || middle >= high) return middle;
            if (RegularizedBeta(a, b, middle) < p) low = middle;
            else high = middle;
        }
    }

    private static double ContinuedFraction(double a, double b, double x)
    {
        const double Tiny = 1e-300;
        double c = 1, d = NotZero(1 - (a + b) * x / (a + 1));
        d = 1 / d;
        double h = d;
        for (int m = 1; m <= 10_000; m++)
        {
            double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 / NotZero(1 + even * d);
            c = NotZero(1 + even / c);
            h *= d * c;
            double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            d = 1 / NotZero(1 + odd * d);
            c = NotZero(1 + odd / c);
            h *= d * c;
            if (Math.Abs(d * c - 1) < 1e-16) return h;
        }
        throw new ArithmeticException($"the incomplete beta function did not converge at a = {a}, b = {b}, x = {x}");

        static double NotZero(double v) => Math.Abs(v) < Tiny ? Tiny : v;
    }
}
