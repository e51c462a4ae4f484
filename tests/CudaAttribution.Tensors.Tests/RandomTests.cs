using CudaAttribution.Tensors.Ops;

namespace CudaAttribution.Tensors.Tests;

public sealed class RandomTests(string device) : ArenaFixture(device)
{
    [Test]
    public void Noise_does_not_depend_on_how_a_batch_is_split()
    {
        const ulong Seed = 5, Stream = 6;
        float[] whole = Noise(5000, Seed, Stream, 0);
        var parts = new List<float>();
        foreach (int count in new[] { 1, 2, 3, 1021, 1024, 5, 2000, 944 }) parts.AddRange(Noise(count, Seed, Stream, parts.Count));
        Assert.That(parts, Is.EqualTo(whole));
    }

    [Test]
    public void Noise_is_standard_normal()
    {
        double[] x = [.. Noise(Device.Driver.Info.Id == "cpu" ? 1_000_000 : 40_000, 1, 2, 0).Select(v => (double)v).Order()];
        double n = x.Length, mean = x.Average(), variance = x.Sum(v => (v - mean) * (v - mean)) / n;
        // Kolmogorov and Smirnov's distance exceeds 1.95 / sqrt(n) once in a thousand.
        double distance = x.Select((v, i) => double.Abs(Cdf(v) - ((i + 0.5) / n))).Max();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(mean, Is.Zero.Within(5 / double.Sqrt(n)));
            Assert.That(variance, Is.EqualTo(1).Within(5 * double.Sqrt(2 / n)));
            Assert.That(distance, Is.LessThan(1.95 / double.Sqrt(n)));
        }
    }

    [Test]
    public void Neighbouring_numbers_and_streams_are_not_correlated()
    {
        const int N = 20_000;
        float[] a = Noise(N, 1, 2, 0), b = Noise(N, 1, 3, 0), c = Noise(N, 2, 2, 0);
        using (Assert.EnterMultipleScope())
        {
            foreach (int lag in new[] { 1, 2, 3, 4 }) Assert.That(Correlation(a[..^lag], a[lag..]), Is.Zero.Within(5 / double.Sqrt(N)), $"lag {lag}");
            Assert.That(Correlation(a, b), Is.Zero.Within(5 / double.Sqrt(N)), "streams");
            Assert.That(Correlation(a, c), Is.Zero.Within(5 / double.Sqrt(N)), "seeds");
        }
    }

    [Test]
    public void The_kernel_gives_the_words_of_the_host()
    {
        var y = Arena.New([13], DType.I32);
        RandomNumbers.Words(y, 0xFEDCBA9876543210, 0x0123456789ABCDEF, 17_179_869_181);
        uint[] expected = [.. Enumerable.Range(0, 13).Select(i => Philox.Word(17_179_869_181UL + (ulong)i, 0x0123456789ABCDEF, 0xFEDCBA9876543210))];
        Assert.That(y.ToArray<uint>(), Is.EqualTo(expected));
    }

    [Test]
    public void Refuses_a_negative_offset() => Assert.Throws<ArgumentOutOfRangeException>(() => RandomNumbers.Normal(Arena.New([3]), 0, 0, -1));

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void Refuses_a_bound_that_is_no_number(float bound) =>
        Assert.That(() => RandomNumbers.Uniform(Arena.New([3]), bound, 0, 0), Throws.ArgumentException.With.Message.Contains("bound"));

    [Test]
    public void Uniform_numbers_reach_both_ends_of_their_interval()
    {
        var y = Arena.New([1 << 16]);
        RandomNumbers.Uniform(y, 0.5f, 5, 6);
        float[] values = y.ToArray<float>();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(values.Min(), Is.InRange(-0.5f, -0.4999f));
            Assert.That(values.Max(), Is.LessThan(0.5f).And.GreaterThan(0.4999f));
            Assert.That(values.Average(v => (double)v), Is.Zero.Within(5 * 0.5 / double.Sqrt(3 * values.Length)));
        }
    }

    private float[] Noise(int count, ulong seed, ulong stream, long offset)
    {
        using var arena = new Arena(Device);
        var y = arena.New([count]);
        RandomNumbers.Normal(y, seed, stream, offset);
        return y.ToArray<float>();
    }

    private static double Correlation(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Average();

    /// <summary>The standard normal distribution function (Zelen and Severo 1964, error below 7.5e-8).</summary>
    private static double Cdf(double x)
    {
        double t = 1 / (1 + (0.2316419 * double.Abs(x)));
        double tail = double.Exp(-x * x / 2) / double.Sqrt(double.Tau)
            * t * (0.319381530 + (t * (-0.356563782 + (t * (1.781477937 + (t * (-1.821255978 + (t * 1.330274429))))))));
        return x < 0 ? tail : 1 - tail;
    }
}
