using System.Numerics;
using System.Text.Json;
using CudaAttribution.Models.Watermark;
using CudaAttribution.Statistics;
using CudaAttribution.Watermark;

namespace CudaAttribution.Tests.Watermark;

public class KeyRankTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(Repository.Root, "tests", "golden", "watermark_tails.json"))).RootElement;

    /// <summary>Products of polynomials in Python's integers; build/oracle/make_watermark_golden.py.</summary>
    [Test]
    public void MessagesThatMatchAsWellAreCounted()
    {
        foreach (var c in Golden.GetProperty("keys").EnumerateArray())
        {
            WatermarkMessage[] read = [.. c.GetProperty("read").EnumerateArray().Select(r => WatermarkMessage.Parse(r.GetString()!))];
            var p = KeyRank.Of(WatermarkMessage.Parse(c.GetProperty("message").GetString()!), read);
            Assert.That(p, Is.EqualTo(TailProbability.Of(c.GetProperty("favourable").GetInt64(), BigInteger.One << 32)), $"{read.Length} pictures");
        }
    }

    /// <summary>All pictures the same: the messages within as many bits of it, which is a binomial tail.</summary>
    [Test]
    public void PicturesThatSayTheSameCountOnce([Values(1, 20)] int pictures, [Values(0, 5, 32)] int wrong)
    {
        var owner = WatermarkMessage.Parse("5f3a91c4");
        var read = new WatermarkMessage(owner.Value ^ (wrong == 32 ? uint.MaxValue : (1u << wrong) - 1));
        Assert.That(KeyRank.Of(owner, [.. Enumerable.Repeat(read, pictures)]), Is.EqualTo(FairCoins.Tail(32 - wrong, 32)));
    }

    [Test]
    public void ADecoderThatLeansFindsNothing()
    {
        // Half the pictures say one thing and half the opposite: every message matches half of the bits.
        WatermarkMessage one = new(0xffff0000), other = new(0x0000ffff);
        Assert.That(KeyRank.Of(one, [one, other, one, other]).Value, Is.EqualTo(1));
    }

    /// <summary>Under the hypothesis: the owner's message is drawn, and what is read leans and repeats itself. P(p ≤ 0.1) must not be above 0.1.</summary>
    [Test]
    public void ItIsExactHoweverBitsDepend()
    {
        var random = new Random(4);
        WatermarkMessage[] read = [.. Enumerable.Range(0, 40).Select(i => new WatermarkMessage(0xff00ff00u ^ (i % 4 == 0 ? (uint)random.Next() & 0xffu : 0)))];
        const int Trials = 4000;
        int rejected = 0, binomial = 0;
        for (int i = 0; i < Trials; i++)
        {
            var owner = new WatermarkMessage((uint)random.NextInt64(1L << 32));
            var reading = WatermarkReading.Of("", owner, [.. read.Select((_, k) => $"{k}")], read);
            if (reading.KeyP <= 0.1) rejected++;
            if (reading.BinomialP <= 0.1) binomial++;
        }
        Assert.That(rejected, Is.LessThanOrEqualTo(0.1 * Trials + 3 * Math.Sqrt(0.09 * Trials)));
        Assert.That(binomial, Is.GreaterThan(0.3 * Trials), "independent fair coins are no model of these bits");
    }
}
