using System.Text.Json;
using CudaAttribution.Tensors.Ops;
using CudaAttribution.Tensors.Weights;

namespace CudaAttribution.Tensors.Tests;

public sealed class SamplingTests(string device) : ArenaFixture(device)
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
        Sampling.Words(y, 0xFEDCBA9876543210, 0x0123456789ABCDEF, 17_179_869_181);
        uint[] expected = [.. Enumerable.Range(0, 13).Select(i => Philox.Word(17_179_869_181UL + (ulong)i, 0x0123456789ABCDEF, 0xFEDCBA9876543210))];
        Assert.That(y.ToArray<uint>(), Is.EqualTo(expected));
    }

    [Test]
    public void Refuses_a_negative_offset() => Assert.Throws<ArgumentOutOfRangeException>(() => Sampling.Normal(Arena.New([3]), 0, 0, -1));

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void Refuses_a_bound_that_is_no_number(float bound) =>
        Assert.That(() => Sampling.Uniform(Arena.New([3]), bound, 0, 0), Throws.ArgumentException.With.Message.Contains("bound"));

    [Test]
    public void Uniform_numbers_reach_both_ends_of_their_interval()
    {
        var y = Arena.New([1 << 16]);
        Sampling.Uniform(y, 0.5f, 5, 6);
        float[] values = y.ToArray<float>();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(values.Min(), Is.InRange(-0.5f, -0.4999f));
            Assert.That(values.Max(), Is.LessThan(0.5f).And.GreaterThan(0.4999f));
            Assert.That(values.Average(v => (double)v), Is.Zero.Within(5 * 0.5 / double.Sqrt(3 * values.Length)));
        }
    }

    [TestCase(-1)]
    [TestCase(4)]
    [TestCase(int.MinValue)]
    public void A_timestep_outside_the_schedule_gives_NaN_for_its_sample_only(int bad)
    {
        var noisy = Arena.New([2, 3]);
        var table = Arena.From([1f, 1f, 1f, 1f], [4]);
        Sampling.QSample(Arena.Zeros([2, 3]), Arena.Zeros([2, 3]), Arena.From([bad, 3], [2]), table, table, noisy);
        Assert.That(noisy.ToArray<float>(), Is.EqualTo(new[] { float.NaN, float.NaN, float.NaN, 0f, 0f, 0f }));
    }

    /// <summary>Against one step that the PyTorch oracle took in float64, from the definition with x̂0 and ε (Song et al. 2021).</summary>
    [TestCase("epsilon", "step")]
    [TestCase("v_prediction", "step")]
    [TestCase("epsilon", "step_last")]
    [TestCase("v_prediction", "step_last")]
    public void A_ddim_step_agrees_with_the_oracle(string prediction, string step)
    {
        using var golden = SafetensorsFile.Open(Golden.File("ddim_sample.safetensors"));
        using var info = JsonDocument.Parse(File.ReadAllText(Golden.File("ddim_sample.json")));
        using var schedule = JsonDocument.Parse(File.ReadAllText(Golden.File("schedule.json")));
        var bars = schedule.RootElement.GetProperty("alphas_cumprod");
        var entry = info.RootElement.GetProperty(step);
        double a = bars[entry.GetProperty("timestep").GetInt32()].GetDouble();
        double p = bars[int.Max(0, entry.GetProperty("previous").GetInt32())].GetDouble();
        double eta = entry.TryGetProperty("eta", out var given) ? given.GetDouble() : 0, sigma = eta * double.Sqrt((1 - p) / (1 - a) * (1 - (a / p)));
        double direction = double.Sqrt(1 - p - (sigma * sigma)), root = double.Sqrt(p);
        var (sample, output) = prediction == "epsilon"
            ? (root / double.Sqrt(a), direction - (root * double.Sqrt((1 - a) / a)))
            : ((root * double.Sqrt(a)) + (direction * double.Sqrt(1 - a)), (direction * double.Sqrt(a)) - (root * double.Sqrt(1 - a)));

        var x = Upload(golden, "step.x");
        var noise = sigma == 0 ? null : Upload(golden, "step.noise");
        Sampling.DdimStep(x, Upload(golden, "step.output"), null, 1, (float)sample, (float)output, (float)sigma, noise, x);
        Assert.That(x.ToArray<float>(), Is.EqualTo(golden.ReadF32($"{step}.{prediction}")).Within(2e-6f));
    }

    [Test]
    public void A_step_in_place_gives_the_bits_of_one_into_another_tensor()
    {
        var (x, c, u, y) = (Arena.New([4100]), Arena.New([4100]), Arena.New([4100]), Arena.New([4100]));
        foreach (var (tensor, stream) in new[] { (x, 0UL), (c, 1UL), (u, 2UL) }) Sampling.Normal(tensor, 9, stream);
        Sampling.DdimStep(x, c, u, 7.5f, 1.01f, -0.02f, 0, null, y);
        Sampling.DdimStep(x, c, u, 7.5f, 1.01f, -0.02f, 0, null, x);
        Assert.That(x.ToArray<float>(), Is.EqualTo(y.ToArray<float>()));
    }

    [Test]
    public void A_step_accepts_no_argument_that_it_would_ignore()
    {
        var x = Arena.Zeros([2]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => Sampling.DdimStep(x, x, null, 7.5f, 1, 1, 0, null, x), Throws.ArgumentException.With.Message.Contains("empty prompt"));
            Assert.That(() => Sampling.DdimStep(x, x, null, 1, 1, 1, 0.5f, null, x), Throws.ArgumentException.With.Message.Contains("without noise"));
            Assert.That(() => Sampling.DdimStep(x, x, null, 1, 1, 1, 0, x, x), Throws.ArgumentException.With.Message.Contains("with noise"));
        }
    }

    [Test]
    public void Pixels_survive_the_round_trip()
    {
        byte[] all = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        var (floats, back) = (Arena.New([256]), Arena.New([256], DType.U8));
        Sampling.FromPixels(Arena.From(all, [256]), floats);
        Sampling.ToPixels(floats, back);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(back.ToArray<byte>(), Is.EqualTo(all));
            Assert.That(floats.ToArray<float>()[0], Is.EqualTo(-1f));
            Assert.That(floats.ToArray<float>()[255], Is.EqualTo(1f));
        }
    }

    [TestCase(-1f, 0)]
    [TestCase(1f, 255)]
    [TestCase(-7f, 0)]
    [TestCase(7f, 255)]
    [TestCase(float.NegativeInfinity, 0)]
    [TestCase(float.PositiveInfinity, 255)]
    [TestCase(float.NaN, 0)]
    [TestCase(0f, 128)] // 127.5 goes to the even neighbour
    [TestCase(-0.01f, 126)]
    public void Pixels_are_clamped_and_rounded(float value, byte expected)
    {
        var y = Arena.New([1], DType.U8);
        Sampling.ToPixels(Arena.From([value], [1]), y);
        Assert.That(y.ToArray<byte>()[0], Is.EqualTo(expected));
    }

    private float[] Noise(int count, ulong seed, ulong stream, long offset)
    {
        using var arena = new Arena(Device);
        var y = arena.New([count]);
        Sampling.Normal(y, seed, stream, offset);
        return y.ToArray<float>();
    }

    private Tensor Upload(SafetensorsFile file, string name) => Arena.From(file.ReadF32(name), file.Tensors[name].Shape);

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
