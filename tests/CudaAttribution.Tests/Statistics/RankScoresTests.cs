using System.Numerics;
using System.Text.Json;
using CudaAttribution.Statistics;

namespace CudaAttribution.Tests.Statistics;

public class RankScoresTests
{
    private static readonly JsonElement Golden = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(Repository.Root, "tests", "golden", "rank_tails.json"))).RootElement;

    [TestCase(2)]
    [TestCase(5)]
    [TestCase(10)]
    [TestCase(20)]
    public void SavageScoresAreTheGoldenOnes(int ranks)
    {
        var scores = RankScores.Savage(ranks);
        int[] golden = [.. Golden.GetProperty("scores").GetProperty($"{ranks}").EnumerateArray().Select(e => e.GetInt32())];
        Assert.That(Enumerable.Range(1, ranks).Select(r => scores[r]), Is.EqualTo(golden));
    }

    /// <summary>SciPy's direct convolution, and lists of all assignments by Python; build/oracle/make_rank_golden.py.</summary>
    [Test]
    public void TailsAreSciPys()
    {
        foreach (var c in Golden.GetProperty("cases").EnumerateArray())
        {
            int ranks = c.GetProperty("ranks").GetInt32(), trials = c.GetProperty("trials").GetInt32(), sum = c.GetProperty("sum").GetInt32();
            double expected = c.GetProperty("tail").GetDouble();
            var tail = RankScores.Savage(ranks).UpperTail(trials, sum);
            Assert.That(tail.Value, Is.EqualTo(expected).Within(1e-9 * expected), $"{ranks} ranks, {trials} trials, sum {sum}");
            Assert.That(tail.Log10, Is.EqualTo(Math.Log10(expected)).Within(1e-8));
        }
    }

    /// <summary>Every assignment of ranks, for every sum that occurs.</summary>
    [Test]
    public void TailsAreThoseOfAllAssignments([Values(2, 3, 4)] int ranks, [Values(1, 2, 3, 4, 5, 6)] int trials)
    {
        var scores = RankScores.Savage(ranks);
        int cases = (int)Math.Pow(ranks, trials);
        long[] sums = [.. Enumerable.Range(0, cases).Select(code => scores.Sum(Enumerable.Range(0, trials).Select(i => 1 + (code / (int)Math.Pow(ranks, i) % ranks))))];
        foreach (long sum in sums.Distinct())
        {
            double share = (double)sums.Count(s => s >= sum) / cases;
            Assert.That(scores.UpperTail(trials, sum).Value, Is.EqualTo(share).Within(1e-15 + (1e-15 * share)));
        }
    }

    [Test]
    public void OnlyFirstPlacesAreAsRareAsTheyAre()
    {
        var scores = RankScores.Savage(5);
        var tail = scores.UpperTail(42, 42L * scores[1]);
        Assert.That(tail.Value, Is.EqualTo(Math.Pow(5, -42)).Within(1e-12 * Math.Pow(5, -42)));
    }

    [Test]
    public void APValueIsNeverZero()
    {
        var scores = RankScores.Savage(20);
        var tail = scores.UpperTail(300, 300L * scores[1]);
        Assert.Multiple(() =>
        {
            Assert.That(tail.Value, Is.EqualTo(double.Epsilon));
            Assert.That(tail.Log10, Is.EqualTo(-300 * Math.Log10(20)).Within(1e-9));
            Assert.That(scores.UpperTail(300, 300L * scores[20]).Value, Is.EqualTo(1));
        });
    }

    [Test]
    public void ImpossibleSumsAreRefused()
    {
        var scores = RankScores.Savage(4);
        Assert.Multiple(() =>
        {
            Assert.That(() => scores.UpperTail(3, (3L * scores[1]) + 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => scores.UpperTail(3, (3L * scores[4]) - 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => scores.UpperTail(0, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => RankScores.Savage(1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => TailProbability.Of(BigInteger.Zero, 5), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => TailProbability.Of(6, 5), Throws.InstanceOf<ArgumentOutOfRangeException>());
        });
    }
}
