using CudaAttribution.Statistics;
using CudaAttribution.Tensors;

namespace CudaAttribution.Tests.Statistics;

public class RankEProcessTests
{
    /// <summary>A fair bet: over the n equally likely next ranks the capital's mean is the capital before, from any state.</summary>
    [Test]
    public void TheCapitalIsAMartingale([Values(2, 5, 20)] int ranks, [Values(0, 1, 7)] int before)
    {
        var history = new PhiloxSequence(3, Philox.Stream("history"));
        int[] past = [.. Enumerable.Range(0, before).Select(_ => 1 + Math.Min(history.Next(ranks), history.Next(ranks)))];
        double mean = Enumerable.Range(1, ranks).Average(next => After([.. past, next]).Value);
        Assert.That(mean, Is.EqualTo(After(past).Value).Within(1e-9 * mean));

        RankEProcess After(int[] seen)
        {
            var e = new RankEProcess(ranks);
            foreach (int rank in seen) e.Add(rank);
            return e;
        }
    }

    /// <summary>Ville's inequality: of 100,000 innocents no more than α, and three standard errors, ever reach 1/α within 100 ranks.</summary>
    [Test]
    [Category("Enumeration")]
    public void InnocentsRarelyEverReachTheLevel([Values(0.05, 0.01)] double alpha)
    {
        const int Innocents = 100_000, Trials = 100, Ranks = 20;
        int alarms = 0;
        for (int i = 0; i < Innocents; i++)
        {
            var draws = new PhiloxSequence(20261128, Philox.Stream("innocent", (ulong)i));
            var e = new RankEProcess(Ranks);
            for (int t = 0; t < Trials && !e.Reaches(alpha); t++) e.Add(1 + draws.Next(Ranks));
            if (e.Reaches(alpha)) alarms++;
        }
        TestContext.Out.WriteLine($"{alarms} of {Innocents} reached 1/{alpha}");
        Assert.That((double)alarms / Innocents, Is.LessThanOrEqualTo(alpha + (3 * Math.Sqrt(alpha * (1 - alpha) / Innocents))));
        Assert.That(alarms, Is.Positive, "the simulation finds no alarm at all, so it can show nothing");
    }

    [TestCase(20, 3)]
    [TestCase(5, 5)]
    public void FirstPlacesAreEnoughSoon(int ranks, int atMost)
    {
        var e = new RankEProcess(ranks);
        while (!e.Reaches(0.01)) e.Add(1);
        Assert.That(e.Count, Is.LessThanOrEqualTo(atMost));
    }

    [Test]
    public void ItDoesNotOverflow()
    {
        var e = new RankEProcess(20);
        for (int i = 0; i < 400; i++) e.Add(1);
        Assert.Multiple(() =>
        {
            Assert.That(e.Value, Is.EqualTo(double.MaxValue));
            Assert.That(e.Log10, Is.InRange(400 * Math.Log10(15), 400 * Math.Log10(20)));
        });
    }

    [Test]
    public void RanksOutsideAreRefused([Values(0, 21, -1)] int rank) =>
        Assert.That(() => new RankEProcess(20).Add(rank), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
