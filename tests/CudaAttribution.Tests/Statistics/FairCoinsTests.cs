using System.Text.Json;
using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Statistics;

public class FairCoinsTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(Repository.Root, "tests", "golden", "watermark_tails.json"))).RootElement;

    /// <summary>scipy.stats.binom; build/oracle/make_watermark_golden.py.</summary>
    [Test]
    public void TailsAreSciPys()
    {
        foreach (var c in Golden.GetProperty("binomial").EnumerateArray())
        {
            int heads = c.GetProperty("heads").GetInt32(), coins = c.GetProperty("coins").GetInt32();
            double p = c.GetProperty("p").GetDouble(), log10 = c.GetProperty("log10").GetDouble();
            var tail = FairCoins.Tail(heads, coins);
            if (p > 0) Assert.That(tail.Value, Is.EqualTo(p).Within(1e-10 * p), $"{heads} of {coins}");
            else Assert.That(tail.Value, Is.EqualTo(double.Epsilon));
            Assert.That(tail.Log10, Is.EqualTo(log10).Within(1e-9 * (1 + Math.Abs(log10))), $"{heads} of {coins}");
        }
    }

    [TestCase(-1, 4)]
    [TestCase(5, 4)]
    [TestCase(0, 0)]
    public void CountsThatCannotBeAreRefused(int heads, int coins) =>
        Assert.That(() => FairCoins.Tail(heads, coins), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
